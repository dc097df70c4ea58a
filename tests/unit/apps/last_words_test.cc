#include "proxy/apps/last_words.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(LastWords, WhatDotnetWritesIsKnown) {
  struct Row {
    const char* output;
    const char* cause;
  };
  for (const Row& row :
       {Row{"You must install or update .NET to run this application.\n\nApp: /srv/Shop.dll\nArchitecture: x64\n"
            "Framework: 'Microsoft.NETCore.App', version '99.0.0' (x64)\n.NET location: /usr/share/dotnet/\n",
            "the framework Microsoft.NETCore.App 99.0.0, for which it was published, is not installed"},
        Row{"The application to execute does not exist: '/srv/Shop.dll'.\n", "there is no /srv/Shop.dll"},
        Row{"Possible reasons for this include:\n  * You intended to execute a .NET program, but dotnet-./Shop.dll "
            "does "
            "not exist.\n",
            "there is no ./Shop.dll"},
        Row{"  - The application was run as a self-contained app because '/srv/Shop.runtimeconfig.json' was not found.",
            "there is no /srv/Shop.runtimeconfig.json; publish the application as a whole"},
        Row{"An assembly specified in the application dependencies manifest (Shop.deps.json) was not found:\n",
            "an assembly that Shop.deps.json lists is not there; publish the application as a whole"},
        Row{"Unhandled exception. System.IO.FileNotFoundException: Could not load file or assembly 'Grpc.Core, "
            "Version=2.0.0.0, Culture=neutral'. The system cannot find the file specified.\r\n   at Program.Main()\n",
            "the assembly Grpc.Core is not there; publish the application as a whole"},
        Row{"fail: Hosting[11]\nUnhandled exception. System.IO.IOException: Failed to bind to address http://[::]:80: "
            "address already in use.\n ---> System.Net.Sockets.SocketException (98): Address already in use\n",
            "it cannot listen: Failed to bind to address http://[::]:80: address already in use."},
        Row{"Unhandled exception. System.InvalidOperationException: no \"Orders\"\n   at Program.Main()\n",
            "unhandled exception System.InvalidOperationException: no \"Orders\""},
        Row{"Process terminated.\nasked to crash\n   at System.Environment.FailFast(System.String)\n",
            "it ended itself: asked to crash"},
        Row{"Now listening on: http://127.0.0.1:5000\nwarn: an Unhandled exception. is nothing here\n", ""},
        Row{"", ""}}) {
    EXPECT_EQ(last_words::cause(row.output), row.cause) << row.output;
  }
  EXPECT_LE(last_words::cause("Unhandled exception. " + std::string(5000, 'x')).size(), 310U);
}

}  // namespace
}  // namespace gatehouse
