// From the configuration to the folders that files are sent from: those of routes, and those below which apps may name
// files. Pure, any thread; the configuration is a valid one.
#pragma once

#include <memory>
#include <string_view>

#include "config/config.h"
#include "proxy/files/file_pool.h"
#include "proxy/files/file_site.h"
#include "proxy/files/send_file.h"

namespace gatehouse {

std::shared_ptr<const FileSite> file_site(const config::Files& files, const std::shared_ptr<FilePool>& pool);
// Of the upstream or app of that name; null: its endpoints may name no files.
std::shared_ptr<const SendFile> send_file(const config::Config& config, std::string_view target,
                                          const std::shared_ptr<FilePool>& pool);

}  // namespace gatehouse
