// Memory of the process as nobody else may see it: it is in no core dump, no other process of the same user reads it
// (ptrace(2), /proc/PID/mem), and private keys lie in a part of it that is not swapped where that is allowed, stands
// between guard pages and is wiped when it is given back (OpenSSL's secure heap). Programs that we start are not
// concerned: execve(2) makes a process readable again. Root is not kept out.
#pragma once

namespace gatehouse::secret_memory {

// Closes the process and makes the secure heap, of 256 MiB of address space. Called once, at the start: before a key is
// read and before there are other threads. What the system does not allow is a warning in the log, and nothing else.
void set_up();

// Closes the process to others of the same user. Called again after every change of user, because the kernel then sets
// what fs.suid_dumpable says.
void close_to_others();

}  // namespace gatehouse::secret_memory
