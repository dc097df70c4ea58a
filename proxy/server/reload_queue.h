// Who waits for a reload: one runs at a time, and all who ask meanwhile wait for the next one, which reads what they
// mean. A member of the Server; the control thread's.
//
//   ask --nothing runs--> begin ... ended --nobody has asked meanwhile--> idle
//    '----one runs------> waits       '---> begin again, once for all who wait
#pragma once

#include <vector>

#include "proxy/server/control_socket.h"

namespace gatehouse {

class ReloadQueue {
 public:
  // Where the outcome goes; empty: nowhere.
  using Reply = ControlSocket::Reply;

  // Returns whether the caller has to begin a reload, whose askers are all who have asked so far.
  [[nodiscard]] bool ask(Reply reply);
  // The reload has ended so: its askers are told. Returns whether the caller has to begin another one.
  [[nodiscard]] bool ended(const ControlReply& outcome);
  // There will be none: whoever has asked is told why.
  void refuse(const ControlReply& outcome);

 private:
  static void tell(std::vector<Reply> askers, const ControlReply& outcome);

  bool running_ = false;
  // Of the reload that runs.
  std::vector<Reply> askers_;
  std::vector<Reply> waiting_;
};

}  // namespace gatehouse
