# What FlagGems' files import, and a file alone does not find: triton_ptx.py keeps kernels and constants.
s/\btle[.]//g
s/\bcore[.]/tl.core./g
s/\([^.a-z]\)\(_log2\|zeros_like\)(/\1tl.standard.\2(/g
s/^\(rsqrt\|pow\) = .*/from triton.language.extra.libdevice import \1/
s/\btl_extra_shim[.]/libdevice./g
s/torch[.]finfo(torch[.]float32)[.]min/-3.4028234663852886e38/
s/torch[.]finfo(torch[.]float32)[.]max/3.4028234663852886e38/
s/torch[.]iinfo(torch[.]int32)[.]min/-2147483648/
s/torch[.]iinfo(torch[.]int32)[.]max/2147483647/
/torch[.][fi]*info(/s/.*//
