#include "CPrograms.h"

static const char torch_rival[] = {
#embed "../../../tools/torch_rival.py" suffix(, 0)
};

const char *torch_rival_program(void) { return torch_rival; }
