// What the operating system says about this process, under the names that every Prometheus client uses: descriptors,
// memory, CPU time, threads, start. Reads /proc/self at each call; what cannot be read is left out. Any thread.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

namespace gatehouse {

void append_process_metrics(std::vector<prometheus::MetricFamily>& families);

}  // namespace gatehouse
