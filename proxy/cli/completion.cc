#include "proxy/cli/completion.h"

#include <cstddef>
#include <format>
#include <span>
#include <string_view>

#include "common/text.h"

namespace gatehouse {
namespace {

std::string escaped(std::string_view text, std::string_view special, std::string_view with) {
  std::string out;
  for (const char c : text) {
    if (special.contains(c)) out += with;
    out += c;
  }
  return out;
}

// Within single quotes of a POSIX shell or zsh.
std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string names_of(const std::vector<OptionOutline>& options) {
  std::vector<std::string> names;
  for (const OptionOutline& option : options) names.push_back(option.name);
  return text::joined(names, " ");
}

std::string positional_choices(const CommandOutline& command) {
  std::string words;
  for (const OptionOutline& positional : command.positionals) {
    if (!positional.choices.empty()) text::add_to_list(words, text::joined(positional.choices, " "), " ");
  }
  return words;
}

// Where nothing is offered, the shell completes files.
std::string bash(std::span<const CommandOutline> commands) {
  std::vector<std::string> names;
  for (const CommandOutline& command : commands.subspan(1)) names.push_back(command.name);
  std::string options;
  std::string values;
  std::string positionals;
  for (const CommandOutline& command : commands.subspan(1)) {
    options += std::format("    {}) options='{}' ;;\n", command.name, names_of(command.options));
    if (const std::string words = positional_choices(command); !words.empty()) {
      positionals += std::format("    {}) words='{}' ;;\n", command.name, words);
    }
    for (const OptionOutline& option : command.options) {
      if (option.value.empty()) continue;
      const std::string offer =
          option.choices.empty()
              ? ""
              : std::format(R"(COMPREPLY=($(compgen -W '{}' -- "$current")); )", text::joined(option.choices, " "));
      values += std::format("    '{} {}') {}return ;;\n", command.name, option.name, offer);
    }
  }
  return std::format(R"(# bash completion for gatehouse
_gatehouse() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command='' options='' words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${{COMP_WORDS[i]}} != -- ]] || return
    [[ -n $command || ${{COMP_WORDS[i]}} == -* ]] || command=${{COMP_WORDS[i]}}
  done
  if [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W '{} {}' -- "$current")
    return
  fi
  case "$command $previous" in
{}  esac
  case $command in
{}  esac
  case $command in
{}    *) ;;
  esac
  if [[ $current == -* ]]; then words=$options; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _gatehouse gatehouse
)",
                     text::joined(names, " "), names_of(commands[0].options), values, options, positionals);
}

std::string zsh_argument(const OptionOutline& option) {
  const std::string offer = option.choices.empty() ? "_files" : std::format("({})", text::joined(option.choices, " "));
  if (option.name.starts_with('-')) {
    const std::string help = escaped(option.help, "[]\\:", "\\");
    const std::string value = option.value.empty() ? "" : std::format(":{}:{}", option.value, offer);
    return shell_word(std::format("*{}[{}]{}", option.name, help, value));
  }
  return shell_word(std::format(":{}:{}", option.name, offer));
}

std::string zsh(std::span<const CommandOutline> commands) {
  std::string names;
  std::string cases;
  for (const CommandOutline& command : commands.subspan(1)) {
    names += std::format("    {}\n", shell_word(command.name + ":" + escaped(command.help, ":\\", "\\")));
    std::string arguments;
    for (const OptionOutline& option : command.options) arguments += " " + zsh_argument(option);
    for (const OptionOutline& positional : command.positionals) arguments += " " + zsh_argument(positional);
    cases += std::format("    {}) _arguments{} ;;\n", command.name, arguments);
  }
  return std::format(R"(#compdef gatehouse
_gatehouse() {{
  local -a commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
{}  esac
}}
if [[ $funcstack[1] == _gatehouse ]]; then _gatehouse "$@"; else compdef _gatehouse gatehouse; fi
)",
                     names, cases);
}

std::string fish_quoted(std::string_view text) {
  return "'" + escaped(text, "'\\", "\\") + "'";
}

std::string fish_option(std::string_view command, const OptionOutline& option) {
  std::string line = std::format("complete -c gatehouse -n '__fish_seen_subcommand_from {}'", command);
  if (option.name.starts_with("--")) line += " -l " + option.name.substr(2);
  if (option.name.starts_with("--") && !option.value.empty()) line += option.choices.empty() ? " -r" : " -x";
  if (!option.choices.empty()) line += " -a " + fish_quoted(text::joined(option.choices, " "));
  return line + " -d " + fish_quoted(option.help) + "\n";
}

std::string fish(std::span<const CommandOutline> commands) {
  std::string script = "# fish completion for gatehouse\n";
  for (const CommandOutline& command : commands.subspan(1)) {
    script += std::format("complete -c gatehouse -f -n __fish_use_subcommand -a {} -d {}\n", command.name,
                          fish_quoted(command.help));
    for (const OptionOutline& option : command.options) script += fish_option(command.name, option);
    for (const OptionOutline& positional : command.positionals) {
      if (!positional.choices.empty()) script += fish_option(command.name, positional);
    }
  }
  return script;
}

}  // namespace

std::string completion_script(const std::vector<CommandOutline>& commands, std::string_view shell) {
  if (shell == "bash") return bash(commands);
  return shell == "zsh" ? zsh(commands) : fish(commands);
}

}  // namespace gatehouse
