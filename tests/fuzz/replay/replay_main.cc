// Runs a fuzz target without libFuzzer: every file of the folders given, then for each file a fixed number of variants
// (cut short, bits flipped, bytes changed, pieces repeated) from a generator with a constant seed, so that each
// run does the same. What was being played when a target aborts is printed, and the input kept beside the program.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// NOLINTNEXTLINE(readability-identifier-naming): the sanitizers' own name
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kVariantsPerSeed = 300;
constexpr std::size_t kVariantsInAll = 60'000;
constexpr const char* kCrashFile = "replay-crash.bin";

struct Current {
  std::string file;
  std::size_t variant = 0;
  Bytes bytes;
};

Current& current() {
  static Current instance;
  return instance;
}

// Runs on the way down, perhaps in a signal handler: system calls only, no streams.
void report() {
  const Bytes& bytes = current().bytes;
  dprintf(STDERR_FILENO, "while playing %s, variant %zu (0 is the file itself), %zu bytes, kept in %s\n",
          current().file.c_str(), current().variant, bytes.size(), kCrashFile);
  const int file = open(kCrashFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0 || write(file, bytes.data(), bytes.size()) < 0) dprintf(STDERR_FILENO, "it could not be kept\n");
}

void on_signal(int signal_number) {
  report();
  std::_Exit(128 + signal_number);
}

class Mutator {
 public:
  Bytes vary(const Bytes& seed) {
    Bytes bytes = seed;
    const std::size_t rounds = 1 + below(4);
    for (std::size_t i = 0; i < rounds && !bytes.empty(); ++i) mutate(bytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

  void mutate(Bytes& bytes) {
    const std::size_t at = below(bytes.size());
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1U << below(8)));
        break;
      case 1:
        bytes[at] = kInteresting.at(below(kInteresting.size()));
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 4:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), kInteresting.at(below(kInteresting.size())));
        break;
      default:
        repeat(bytes, at);
        break;
    }
  }

  void repeat(Bytes& bytes, std::size_t at) {
    const std::size_t length = 1 + below(std::min<std::size_t>(bytes.size() - at, 64));
    const Bytes piece(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())), piece.begin(), piece.end());
  }

  // Bytes on which parsers of text and of binary frames decide.
  static constexpr std::array<std::uint8_t, 20> kInteresting = {
      0x00, 0x01, 0x7f, 0x80, 0xff, '\r', '\n', ' ', '\t', ':', ',', ';', '/', '.', '%', '"', '0', 'f', '[', '='};
  std::mt19937_64 random_{20'260'101};  // NOLINT(bugprone-random-generator-seed,cert-msc51-cpp): repeatable on purpose
};

void play(const Bytes& bytes) {
  // An exact copy on the heap: reading one byte too many is then a finding.
  const Bytes exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::set<std::filesystem::path> seeds(int count, char** folders) {
  std::set<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::is_directory(folders[i])) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folders[i])) {
      if (entry.is_regular_file()) files.insert(entry.path());
    }
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(report);
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, on_signal);

  const auto files = seeds(argc, argv);
  if (files.empty()) {
    std::fprintf(stderr, "no seed in the folders given: a fuzz target needs a corpus\n");
    return 1;
  }
  const std::size_t variants = std::min(kVariantsPerSeed, kVariantsInAll / files.size());
  Mutator mutator;
  play({});
  for (const auto& file : files) {
    const Bytes seed = read_file(file);
    for (std::size_t variant = 0; variant <= variants; ++variant) {
      current() = {.file = file.string(), .variant = variant, .bytes = variant == 0 ? seed : mutator.vary(seed)};
      play(current().bytes);
    }
  }
  std::printf("%zu seeds, %zu variants each\n", files.size(), variants);
  return 0;
}
