#include "proxy/cli/explain.h"

#include <cstdio>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/crypto/certificate_store.h"
#include "config/reading/load.h"
#include "proxy/cli/output.h"
#include "proxy/explain/explain.h"

namespace gatehouse {
namespace {

// Warnings are for `check` to say.
void print_errors(std::vector<config::Diagnostic> diagnostics, const config::Sources& sources) {
  std::erase_if(diagnostics,
                [](const config::Diagnostic& diagnostic) { return diagnostic.severity == config::Severity::kWarning; });
  print(diagnostics, sources);
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
  CertificateStore certificates;
  const config::Loaded loaded = config::load(file, certificates);
  print_errors(loaded.diagnostics, loaded.sources);
  if (!loaded.config) return kExitFailed;
  const auto explanation = explain(*loaded.config, *question, certificates);
  if (!explanation) {
    print_errors(explanation.error(), loaded.sources);
    return kExitFailed;
  }
  print(stdout, options.json ? to_json(*explanation) : to_text(*explanation));
  return explanation->served ? kExitFine : kExitFailed;
}

}  // namespace gatehouse
