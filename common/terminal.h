// What is known of a terminal behind a descriptor: whether there is one, how wide it is, whether colours are welcome on
// it. Asks the kernel and the environment each time; never blocks; any thread, while nobody changes the environment.
#pragma once

#include <cstddef>

namespace gatehouse::terminal {

bool is_terminal(int fd);

// Whether to write ANSI escape sequences to it: a terminal that is not "dumb", where NO_COLOR (https://no-color.org)
// is not set or empty.
bool wants_colours(int fd);

// How many characters fit into a line of it; 0 where that is not known.
std::size_t columns(int fd);

}  // namespace gatehouse::terminal
