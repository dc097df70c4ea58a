#include "proxy/cli/explain.h"

#include <cstdio>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/reading/load.h"
#include "proxy/cli/output.h"
#include "proxy/explain/explain.h"

namespace gatehouse {
namespace {

// Warnings are for `check` to say.
void print_errors(const std::vector<config::Diagnostic>& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == config::Severity::kError) print(stderr, diagnostic.to_string() + '\n');
  }
}

}  // namespace

void add_explain_options(CLI::App& command, ExplainOptions& options) {
  QuestionText& question = options.question;
  command.add_option("URL", question.url, "As a client would ask for it: https://shop.example.com/api?x=1")->required();
  command.add_option("--method,-X", question.method, "Default: GET");
  command.add_option("--header,-H", question.headers, "\"Name: value\" (repeatable); Host replaces the URL's")
      ->allow_extra_args(false);
  command.add_option("--client", question.client, "The IP address that it comes from");
  command.add_option("--protocol", question.protocol, "h1, h2 or h3; default: what a client would choose");
  command.add_option("--listener", question.listener, "The listener that takes it, where a port is forwarded to it");
  command.add_flag("--json", options.json, "For programs");
}

int run_explain(const ExplainOptions& options, const std::string& file) {
  const auto question = parse_question(options.question);
  if (!question) return complain(question.error().message, kExitBadCommandLine);
  const config::Loaded loaded = config::load(file);
  print_errors(loaded.diagnostics);
  if (!loaded.config) return kExitFailed;
  const auto explanation = explain(*loaded.config, *question);
  if (!explanation) {
    print_errors(explanation.error());
    return kExitFailed;
  }
  print(stdout, options.json ? to_json(*explanation) : to_text(*explanation));
  return explanation->served ? kExitFine : kExitFailed;
}

}  // namespace gatehouse
