#include "identity/entities.h"

#include <utility>

namespace terreno::identity {

using events::Identifier;
using events::IdentifierKind;

namespace {

constexpr uint8_t kVersion = 1;

size_t size_of(const Identifier& identifier) { return sizeof identifier + identifier.value.capacity(); }

void encode_ids(Writer& out, const std::vector<Id128>& ids) {
  out.varint(ids.size());
  for (const Id128 id : ids) out.id(id);
}

std::vector<Id128> decode_ids(Reader& in, size_t most) {
  const size_t count = in.count();
  std::vector<Id128> ids;
  if (count > most) {
    in.fail();
    return ids;
  }
  ids.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) ids.push_back(in.id());
  return ids;
}

Node decode_node(Reader& in) {
  Node node;
  node.identifier = Identifier::decode(in);
  node.component = in.id();
  node.confirmed = in.boolean();
  node.quarantined = in.boolean();
  node.first_event = in.time();
  node.edges = decode_ids(in, kEdgesPerNodeMax);
  node.public_edges = static_cast<uint32_t>(in.varint());
  node.unlisted_edges = in.varint();
  node.strong_neighbours = decode_ids(in, kHubStrongMax + 1);
  node.cannot_links = decode_ids(in, kCannotLinksPerNodeMax);
  return node;
}

Edge decode_edge(Reader& in) {
  Edge edge;
  edge.a = Identifier::decode(in);
  edge.b = Identifier::decode(in);
  edge.key_a = events::key_of(edge.a);
  edge.key_b = events::key_of(edge.b);
  edge.kind = in.enumeration(kEdgeKindLast);
  edge.visibility = in.enumeration(events::Visibility::secret_source);
  edge.vouched = in.boolean();
  edge.rule_version = in.u16();
  edge.valid_from = in.time();
  const size_t sources = in.count();
  if (sources > Edge::kSourcesMax) in.fail();
  for (size_t i = 0; i < sources && in.ok(); ++i) edge.sources.push_back(in.record_id());
  edge.source_count = in.varint();
  edge.state = in.enumeration(kEdgeStateLast);
  edge.reason = in.enumeration(kReasonLast);
  edge.actor = in.text();
  edge.remark = in.text();
  return edge;
}

Component decode_component(Reader& in) {
  Component component;
  component.person = in.person_id();
  component.anchor = Identifier::decode(in);
  component.strongest = Identifier::decode(in);
  component.first_event = in.time();
  const size_t members = in.count();
  if (members > kComponentSizeMax) in.fail();
  for (size_t i = 0; i < members && in.ok(); ++i) {
    component.members.push_back(Identifier::decode(in));
    component.member_keys.push_back(events::key_of(component.members.back()));
  }
  const size_t absorbed = in.count();
  if (absorbed > kFormerPersonsMax) in.fail();
  for (size_t i = 0; i < absorbed && in.ok(); ++i) {
    const PersonId person = in.person_id();
    component.absorbed.push_back({person, Identifier::decode(in)});
  }
  component.identified = in.boolean();
  component.held_edges = static_cast<uint32_t>(in.varint());
  component.cannot_links = static_cast<uint32_t>(in.varint());
  component.last_rank = in.varint();
  component.last_from = in.time();
  return component;
}

Person decode_person(Reader& in) {
  Person person;
  person.component = in.id();
  person.alias_of = in.person_id();
  return person;
}

CannotLink decode_cannot_link(Reader& in) {
  CannotLink link;
  link.a = Identifier::decode(in);
  link.b = Identifier::decode(in);
  link.actor = in.text();
  link.reason = in.text();
  link.record = in.record_id();
  return link;
}

Review decode_review(Reader& in) {
  Review review;
  review.held = decode_ids(in, kReviewMax);
  review.not_listed = in.varint();
  return review;
}

template <typename T>
std::unique_ptr<engine::Entity> finish(const Reader& in, T entity) {
  if (!in.done()) return nullptr;
  return std::make_unique<T>(std::move(entity));
}

Id128 pair_key(char salt, const Identifier& a, const Identifier& b) {
  const bool in_order = a <= b;
  std::string bytes(1, salt);
  Writer out(bytes);
  (in_order ? a : b).encode(out);
  (in_order ? b : a).encode(out);
  return hash128(bytes);
}

}  // namespace

void Node::encode(Writer& out) const {
  out.u8(kVersion);
  identifier.encode(out);
  out.id(component);
  out.boolean(confirmed);
  out.boolean(quarantined);
  out.time(first_event);
  encode_ids(out, edges);
  out.varint(public_edges);
  out.varint(unlisted_edges);
  encode_ids(out, strong_neighbours);
  encode_ids(out, cannot_links);
}

size_t Node::footprint() const {
  return sizeof *this + identifier.value.capacity() +
         (edges.capacity() + strong_neighbours.capacity() + cannot_links.capacity()) * sizeof(Id128);
}

uint32_t Edge::weight() const {
  if (visibility == events::Visibility::public_source) return vouched ? 500 : 100;
  switch (kind) {
    case EdgeKind::same_event:
      return 1'000;
    case EdgeKind::login:
      return 2'000;
    case EdgeKind::alias:
      return 2'000;
    case EdgeKind::staff:
      return 4'000;
  }
  return 0;
}

void Edge::encode(Writer& out) const {
  out.u8(kVersion);
  a.encode(out);
  b.encode(out);
  out.enumeration(kind);
  out.enumeration(visibility);
  out.boolean(vouched);
  out.u16(rule_version);
  out.time(valid_from);
  out.varint(sources.size());
  for (const RecordId source : sources) out.id(source);
  out.varint(source_count);
  out.enumeration(state);
  out.enumeration(reason);
  out.bytes(actor);
  out.bytes(remark);
}

size_t Edge::footprint() const {
  return sizeof *this + a.value.capacity() + b.value.capacity() + sources.capacity() * sizeof(RecordId) +
         actor.capacity() + remark.capacity();
}

void Component::encode(Writer& out) const {
  out.u8(kVersion);
  out.id(person);
  anchor.encode(out);
  strongest.encode(out);
  out.time(first_event);
  out.varint(members.size());
  for (const Identifier& member : members) member.encode(out);
  out.varint(absorbed.size());
  for (const FormerPerson& former : absorbed) {
    out.id(former.person);
    former.anchor.encode(out);
  }
  out.boolean(identified);
  out.varint(held_edges);
  out.varint(cannot_links);
  out.varint(last_rank);
  out.time(last_from);
}

size_t Component::footprint() const {
  size_t size = sizeof *this + anchor.value.capacity() + strongest.value.capacity();
  for (const Identifier& member : members) size += size_of(member) + sizeof(Id128);
  for (const FormerPerson& former : absorbed) size += sizeof former.person + size_of(former.anchor);
  return size;
}

void Person::encode(Writer& out) const {
  out.u8(kVersion);
  out.id(component);
  out.id(alias_of);
}

void CannotLink::encode(Writer& out) const {
  out.u8(kVersion);
  a.encode(out);
  b.encode(out);
  out.bytes(actor);
  out.bytes(reason);
  out.id(record);
}

size_t CannotLink::footprint() const {
  return sizeof *this + a.value.capacity() + b.value.capacity() + actor.capacity() + reason.capacity();
}

void Review::encode(Writer& out) const {
  out.u8(kVersion);
  encode_ids(out, held);
  out.varint(not_listed);
}

bool is_address(IdentifierKind kind) { return kind == IdentifierKind::email || kind == IdentifierKind::phone; }

bool is_strong(const Node& node) {
  return node.identifier.kind <= IdentifierKind::user_id || (node.confirmed && is_address(node.identifier.kind));
}

uint8_t joining_rank(IdentifierKind kind, bool confirmed) {
  switch (kind) {
    case IdentifierKind::customer_number:
      return 0;
    case IdentifierKind::user_id:
      return 1;
    case IdentifierKind::email:
      return confirmed ? 2 : 4;
    case IdentifierKind::phone:
      return confirmed ? 3 : 5;
    case IdentifierKind::device:
      return 6;
    case IdentifierKind::anonymous_id:
      return 7;
  }
  return 8;
}

Id128 edge_key(const Identifier& a, const Identifier& b, EdgeKind kind) {
  return pair_key(static_cast<char>('0' + static_cast<int>(kind)), a, b);
}

Id128 cannot_link_key(const Identifier& a, const Identifier& b) { return pair_key('c', a, b); }

bool owns_table(uint8_t table) { return table >= 100 && table <= 119; }

std::unique_ptr<engine::Entity> decode_entity(engine::EntityKey key, std::string_view bytes) {
  Reader in(bytes);
  if (in.u8() != kVersion) return nullptr;
  // The entity is decoded before `finish` asks whether the reader is done: arguments have no order of their own.
  switch (key.table) {
    case Node::kTable: {
      Node node = decode_node(in);
      return finish(in, std::move(node));
    }
    case Edge::kTable: {
      Edge edge = decode_edge(in);
      return finish(in, std::move(edge));
    }
    case Component::kTable: {
      Component component = decode_component(in);
      return finish(in, std::move(component));
    }
    case Person::kTable: {
      const Person person = decode_person(in);
      return finish(in, person);
    }
    case CannotLink::kTable: {
      CannotLink link = decode_cannot_link(in);
      return finish(in, std::move(link));
    }
    case Review::kTable: {
      Review review = decode_review(in);
      return finish(in, std::move(review));
    }
    default:
      return nullptr;
  }
}

}  // namespace terreno::identity
