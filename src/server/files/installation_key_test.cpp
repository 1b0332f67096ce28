#include "server/files/installation_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace terreno::server {
namespace {

using namespace governance;

class InstallationKeyTest : public testing::Test {
 protected:
  InstallationKeyTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "terreno-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(data());
  }
  ~InstallationKeyTest() override { std::filesystem::remove_all(root_); }
  std::filesystem::path data() const { return root_ / "data"; }
  std::filesystem::path key() const { return root_ / "key"; }
  std::filesystem::path root_;
};

TEST_F(InstallationKeyTest, ReadsBackWhatItMadeAndNeverOverwritesIt) {
  const auto made = InstallationKey::create(key(), data());
  ASSERT_TRUE(made);
  const auto loaded = InstallationKey::load(key(), data());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(made->fingerprint(), loaded->fingerprint());
  EXPECT_EQ(made->derive("links").reveal(), loaded->derive("links").reveal());
  EXPECT_NE(made->derive("links").reveal(), made->derive("cookies").reveal());
  EXPECT_EQ(InstallationKey::create(key(), data()).error().code, Errc::already_exists);
}

TEST_F(InstallationKeyTest, RefusesAPlaceInsideTheDataFolderAlsoByADetour) {
  EXPECT_EQ(InstallationKey::create(data() / "key", data()).error().rule, "inside_data_folder");
  EXPECT_EQ(InstallationKey::create(root_ / "data" / ".." / "data" / "key", data()).error().rule, "inside_data_folder");
  std::filesystem::create_directory_symlink(data(), root_ / "link");
  EXPECT_EQ(InstallationKey::create(root_ / "link" / "key", data()).error().rule, "inside_data_folder");
}

TEST_F(InstallationKeyTest, RefusesAKeyThatOthersCanReadOrThatIsDamaged) {
  ASSERT_TRUE(InstallationKey::create(key(), data()));
  chmod(key().c_str(), 0640);
  EXPECT_EQ(InstallationKey::load(key(), data()).error().rule, "readable_by_others");
  chmod(key().c_str(), 0600);
  std::fstream(key(), std::ios::in | std::ios::out).seekp(40) << '!';
  EXPECT_EQ(InstallationKey::load(key(), data()).error().code, Errc::corrupt);
  EXPECT_EQ(InstallationKey::load(root_ / "other", data()).error().code, Errc::not_found);
}

}  // namespace
}  // namespace terreno::server
