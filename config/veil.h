// What a configuration took from the environment. It may be secret, so diagnostics, which go to logs and to
// /status.json, name the variable instead: "${NAME}". Values of less than four characters are shown; they are no
// secrets, and to replace them would only garble other words. A value, no thread affinity; part of the Config, so that
// what is said of it later is veiled too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::config {

class Veil {
 public:
  // Notes that `value` came from the environment variable `name`.
  void add(std::string_view name, std::string_view value);

  // Returns `message` without any of the values: as they are, as in_quotes() writes them, and where it has cut them. Of
  // several that fit in one place, the longest is taken.
  std::string over(std::string_view message) const;

 private:
  struct Hidden {
    std::string text;
    std::string name;
  };
  struct Match {
    const Hidden* hidden = nullptr;
    std::size_t length = 0;
  };

  void hide(std::string text, std::string_view name);
  Match longest_at(std::string_view rest) const;

  std::vector<Hidden> hidden_;
};

}  // namespace gatehouse::config
