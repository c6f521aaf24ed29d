# The configuration compiler: UCL text to init's flattened tree. tools/conf is made of the same files.
NAME := conf
SRCS := child.c compile.c edit.c init.c parse.c policy.c route.c value.c write.c
PORTS := newlib ucl libfdt
FPU := yes
