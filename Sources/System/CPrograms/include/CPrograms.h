#ifndef CPROGRAMS_H
#define CPROGRAMS_H

/// `tools/torch_rival.py`, embedded at compile time.
const char *_Nonnull torch_rival_program(void);

#endif
