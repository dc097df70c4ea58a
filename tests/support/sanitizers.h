// What tests must know of the sanitizers that the program may be built with. Constants, any thread.
//
// What checks the type of an object opens a pipe to look at its memory, and reports a wrong type where it cannot: a
// test that leaves the process without descriptors says nothing then.
#pragma once

namespace gatehouse::testing_support {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kNeedsDescriptorsItself = true;
#else
inline constexpr bool kNeedsDescriptorsItself = false;
#endif

}  // namespace gatehouse::testing_support
