// The parts of a web.config that say something to us, each read from its element. Pure but for the environment and the
// programs that a command names.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>

#include "config/web_config/notes.h"
#include "config/web_config/web_config.h"

namespace gatehouse::config {

// <aspNetCore> or <httpPlatform>: how the process is run. Sets `response` as well. The app is of use only if no error
// was noted.
App read_web_module(const pugi::xml_node& module, const std::string& folder, WebConfigNotes& notes, WebConfig& result);

// Another element of <system.webServer>: limits, header fields and redirects of the site.
void read_web_site(const pugi::xml_node& element, WebConfigNotes& notes, WebConfig& result);

// <rewrite>: each rule that says no more than a route can, as one. Patterns and conditions beyond that stay with the
// application (UseRewriter), which is said.
void read_rewrite(const pugi::xml_node& rewrite, WebConfigNotes& notes, WebConfig& result);

// <httpRedirect> of the path `where`, which is canonical: a route that redirects all below it.
void read_http_redirect(const pugi::xml_node& element, const std::string& where, WebConfigNotes& notes,
                        WebConfig& result);

}  // namespace gatehouse::config
