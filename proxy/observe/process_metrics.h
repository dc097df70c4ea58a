// What the operating system says about this process, under the names that every Prometheus client uses: descriptors,
// memory, CPU time, threads, start. Reads /proc/self at each call; what cannot be read is left out. Any thread.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

namespace gatehouse {

// Appends process_cpu_seconds_total, process_open_fds, process_max_fds, process_virtual_memory_bytes,
// process_resident_memory_bytes, process_threads and process_start_time_seconds, as far as they can be read.
void append_process_metrics(std::vector<prometheus::MetricFamily>& families);

}  // namespace gatehouse
