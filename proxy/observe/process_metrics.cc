#include "proxy/observe/process_metrics.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include "proxy/observe/family.h"

namespace gatehouse {
namespace {

using prometheus::MetricType;

// The fields of /proc/self/stat that we show (proc_pid_stat(5)), counted from the one after the program's name.
struct ProcessStat {
  double threads = 0;
  double start_ticks = 0;
  double virtual_bytes = 0;
  double resident_pages = 0;
};

std::optional<ProcessStat> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStat stat;
  std::string field;
  for (int number = 3; fields >> field && number <= 24; ++number) {
    if (number == 20) stat.threads = std::stod(field);
    if (number == 22) stat.start_ticks = std::stod(field);
    if (number == 23) stat.virtual_bytes = std::stod(field);
    if (number == 24) stat.resident_pages = std::stod(field);
  }
  return stat;
}

std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  double seconds = 0;
  while (file >> word) {
    if (word == "btime" && file >> seconds) return seconds;
  }
  return std::nullopt;
}

std::optional<double> open_descriptors() {
  // Linux 6.2 and newer say so at once; listing thousands takes as long as all the rest of the page.
  struct stat folder{};
  if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) return static_cast<double>(folder.st_size);
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  return count - 1;  // the one that lists them
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void append(std::vector<prometheus::MetricFamily>& families, Family family, double value) {
  family.add({}, value);
  families.push_back(family.take());
}

}  // namespace

void append_process_metrics(std::vector<prometheus::MetricFamily>& families) {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    append(families,
           {MetricType::Counter, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", {}},
           seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  }
  if (const auto count = open_descriptors()) {
    append(families, {MetricType::Gauge, "process_open_fds", "Number of open file descriptors.", {}}, *count);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    append(families, {MetricType::Gauge, "process_max_fds", "Maximum number of open file descriptors.", {}},
           static_cast<double>(limit.rlim_cur));
  }
  const auto stat = read_stat();
  if (!stat) return;
  append(families, {MetricType::Gauge, "process_virtual_memory_bytes", "Virtual memory size in bytes.", {}},
         stat->virtual_bytes);
  append(families, {MetricType::Gauge, "process_resident_memory_bytes", "Resident memory size in bytes.", {}},
         stat->resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
  append(families, {MetricType::Gauge, "process_threads", "Number of threads.", {}}, stat->threads);
  if (const auto boot = boot_time()) {
    append(families,
           {MetricType::Gauge, "process_start_time_seconds", "Start time of the process, seconds since the epoch.", {}},
           *boot + stat->start_ticks / static_cast<double>(sysconf(_SC_CLK_TCK)));
  }
}

}  // namespace gatehouse
