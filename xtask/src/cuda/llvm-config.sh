#!/usr/bin/env bash
# Answers for one shared libLLVM built on libc++, instead of the static libraries that build scripts ask for.
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
prefix=$(dirname "$here")
last=""
for argument in "$@"; do
  case $argument in --link-static | --link-shared) ;; --*) last=$argument ;; esac
done
macros="-D_GNU_SOURCE -D__STDC_CONSTANT_MACROS -D__STDC_FORMAT_MACROS -D__STDC_LIMIT_MACROS"
case $last in
  --version) echo 23.1.4 ;;
  --libdir) echo "$prefix/lib" ;;
  --includedir) echo "$prefix/include" ;;
  --libs | --libnames) echo ;;
  --system-libs) echo "-lLLVM -lnvptx_absent" ;;
  --cxxflags) echo "-I$prefix/include -std=c++17 -fno-exceptions -fno-rtti $macros -stdlib=libc++" ;;
  --cflags) echo "-I$prefix/include -D_GNU_SOURCE" ;;
  *) exec "$here/llvm-config.real" "$@" ;;
esac
