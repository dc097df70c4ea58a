// `gatehouse explain URL [FILE]` on the command line: its options, and what it prints. Main thread of a short-lived
// process.
#pragma once

#include <string>

#include "proxy/explain/question.h"

namespace CLI {
class App;
}

namespace gatehouse {

// What was typed.
struct ExplainOptions {
  QuestionText question;
  bool json = false;
};

// Tells CLI11 of the options. `options` is filled in when the command line is parsed, and outlives that.
void add_explain_options(CLI::App& command, ExplainOptions& options);

// Prints what would become of the request to standard output, and errors of the file to standard error. Returns the
// exit code: 0 if the request would be served, 1 if not or if the file has errors, 2 if the question makes no sense.
int run_explain(const ExplainOptions& options, const std::string& file);

}  // namespace gatehouse
