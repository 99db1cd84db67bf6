#include "CFormats.h"

// The files of `formats/`; a new one needs a line here and in `files`.
static const unsigned char flux1[] = {
#embed "../../formats/flux1.json"
};

static const unsigned char schedules[] = {
#embed "../../formats/schedules.json"
};

static const embedded_file files[] = {
    {"flux1", flux1, sizeof flux1},
    {"schedules", schedules, sizeof schedules},
};

const embedded_file *embedded_files(size_t *count) {
  *count = sizeof files / sizeof files[0];
  return files;
}
