#include "CFormats.h"

// The files of `formats/`; a new one needs a line here and in `files`.
static const unsigned char adapter_dialects[] = {
#embed "../../../formats/adapter-dialects.json"
};

static const unsigned char adapter_families[] = {
#embed "../../../formats/adapter-families.json"
};

static const unsigned char adapter_scales[] = {
#embed "../../../formats/adapter-scales.json"
};

static const unsigned char benchmarks[] = {
#embed "../../../formats/benchmarks.json"
};

static const unsigned char components[] = {
#embed "../../../formats/components.json"
};

static const unsigned char flux1[] = {
#embed "../../../formats/flux1.json"
};

static const unsigned char gguf[] = {
#embed "../../../formats/gguf.json"
};

static const unsigned char loaders[] = {
#embed "../../../formats/loaders.json"
};

static const unsigned char pipelines[] = {
#embed "../../../formats/pipelines.json"
};

static const unsigned char qwen_image[] = {
#embed "../../../formats/qwen-image.json"
};

static const unsigned char recognition[] = {
#embed "../../../formats/recognition.json"
};

static const unsigned char schedules[] = {
#embed "../../../formats/schedules.json"
};

static const embedded_file files[] = {
    {"adapter-dialects", adapter_dialects, sizeof adapter_dialects},
    {"adapter-families", adapter_families, sizeof adapter_families},
    {"adapter-scales", adapter_scales, sizeof adapter_scales},
    {"benchmarks", benchmarks, sizeof benchmarks},
    {"components", components, sizeof components},
    {"flux1", flux1, sizeof flux1},
    {"gguf", gguf, sizeof gguf},
    {"loaders", loaders, sizeof loaders},
    {"pipelines", pipelines, sizeof pipelines},
    {"qwen-image", qwen_image, sizeof qwen_image},
    {"recognition", recognition, sizeof recognition},
    {"schedules", schedules, sizeof schedules},
};

const embedded_file *embedded_files(size_t *count) {
  *count = sizeof files / sizeof files[0];
  return files;
}
