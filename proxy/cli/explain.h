// `gatehouse explain URL [FILE]` on the command line: its options, and what it prints. Main thread of a short-lived
// process.
#pragma once

#include <string>

#include "proxy/explain/question.h"

namespace CLI {
class App;
}

namespace gatehouse {

struct ExplainOptions {
  QuestionText question;
  bool json = false;
};

void add_explain_options(CLI::App& command, ExplainOptions& options);

// Exit code: 0 if the request would be served, 1 if not, 2 if the question makes no sense.
int run_explain(const ExplainOptions& options, const std::string& file);

}  // namespace gatehouse
