#pragma once

#include <pthread.h>

namespace terreno {

/// What `top -H`, a debugger and a profile call the calling thread. At most 15 characters; longer names are not taken.
inline void name_this_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace terreno
