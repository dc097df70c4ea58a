#include "proxy/cli/command_line.h"

int main(int argc, char** argv) {
  return gatehouse::run_command_line(argc, argv);
}
