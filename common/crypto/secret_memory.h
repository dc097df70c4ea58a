// Memory of the process as nobody else may see it: it is in no core dump, no other process of the same user reads it
// (ptrace(2), /proc/PID/mem), and private keys lie in a part of it that is not swapped where that is allowed, stands
// between guard pages and is wiped when it is given back (OpenSSL's secure heap). Programs that we start are not
// concerned: execve(2) makes a process readable again. Root is not kept out.
#pragma once

namespace gatehouse::secret_memory {

// Once, at the start: before a key is read and before there are other threads.
void set_up();

// Closes the process to others of the same user. Again after every change of user, which the kernel answers with what
// fs.suid_dumpable says.
void close_to_others();

}  // namespace gatehouse::secret_memory
