#include "proxy/cli/scripts.h"

#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "proxy/cli/completion.h"
#include "proxy/cli/manual.h"
#include "proxy/cli/outline.h"
#include "proxy/cli/output.h"

namespace gatehouse {
namespace {

int written(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? kExitFine : kExitFailed;
}

}  // namespace

void add_scripts(CLI::App& app, std::function<int()>& chosen) {
  CLI::App* completion = app.add_subcommand("completion", "Print what makes a shell complete this command line");
  CLI::Option* shell = completion->add_option("SHELL")->description("Which one")->required();
  shell->type_name("TEXT")->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}));
  completion->callback([&app, &chosen, shell] {
    chosen = [&app, name = shell->as<std::string>()] { return written(completion_script(outline_of(app), name)); };
  });
  CLI::App* manual = app.add_subcommand("manual", "Print the manual page gatehouse(1)")->group("");
  manual->callback([&app, &chosen] { chosen = [&app] { return written(manual_page(outline_of(app))); }; });
}

}  // namespace gatehouse
