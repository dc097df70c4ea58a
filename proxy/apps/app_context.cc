#include "proxy/apps/app_context.h"

namespace gatehouse {

LogPipe::Setting output_setting(AppContext& context, const AppSpec& spec, std::uint32_t slot) {
  LogPipe::Setting output{.app = spec.name, .slot = slot, .kind = spec.output.kind};
  if (spec.output.kind == AppOutput::kFile) {
    const std::string& user = spec.process.user;
    output.file =
        &context.outputs.try_emplace({user, spec.output.path}, context.file_threads.of(user), spec.output.path, user)
             .first->second;
    output.rate = {.lines = 100'000, .bytes = 16UL * 1024 * 1024};
  }
  return output;
}

}  // namespace gatehouse
