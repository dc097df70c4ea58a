# cmake -DOUTPUT=file.cc -DFOLDER=... -DNAMES=a;b -P embed.cmake
# Writes the files as arrays of bytes, and the table that status_assets.h declares.
set(arrays "")
set(rows "")
foreach(name IN LISTS NAMES)
  file(READ "${FOLDER}/${name}" bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(REGEX REPLACE "[^a-z]" "_" variable "${name}")
  string(APPEND arrays "constexpr char ${variable}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", {${variable}, sizeof ${variable}}},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"proxy/admin/status_assets.h\"

namespace gatehouse {
namespace {

${arrays}
constexpr StatusAsset kAssets[] = {
${rows}};

}  // namespace

std::span<const StatusAsset> status_assets() {
  return kAssets;
}

}  // namespace gatehouse
")
