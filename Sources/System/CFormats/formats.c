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

static const unsigned char autoencoder_kl[] = {
#embed "../../../formats/autoencoder-kl.json"
};

static const unsigned char autoencoder_kl_qwen_image[] = {
#embed "../../../formats/autoencoder-kl-qwen-image.json"
};

static const unsigned char benchmarks[] = {
#embed "../../../formats/benchmarks.json"
};

static const unsigned char clip_text[] = {
#embed "../../../formats/clip-text.json"
};

static const unsigned char flux1[] = {
#embed "../../../formats/flux1.json"
};

static const unsigned char gguf[] = {
#embed "../../../formats/gguf.json"
};

static const unsigned char label_font[] = {
#embed "../../../formats/label-font.json"
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

static const unsigned char qwen2_5_vl[] = {
#embed "../../../formats/qwen2.5-vl.json"
};

static const unsigned char recognition[] = {
#embed "../../../formats/recognition.json"
};

static const unsigned char schedules[] = {
#embed "../../../formats/schedules.json"
};

static const unsigned char stored_forms[] = {
#embed "../../../formats/stored-forms.json"
};

static const unsigned char t5_encoder[] = {
#embed "../../../formats/t5-encoder.json"
};

static const embedded_file files[] = {
    {"adapter-dialects", adapter_dialects, sizeof adapter_dialects},
    {"adapter-families", adapter_families, sizeof adapter_families},
    {"adapter-scales", adapter_scales, sizeof adapter_scales},
    {"autoencoder-kl", autoencoder_kl, sizeof autoencoder_kl},
    {"autoencoder-kl-qwen-image", autoencoder_kl_qwen_image, sizeof autoencoder_kl_qwen_image},
    {"benchmarks", benchmarks, sizeof benchmarks},
    {"clip-text", clip_text, sizeof clip_text},
    {"flux1", flux1, sizeof flux1},
    {"gguf", gguf, sizeof gguf},
    {"label-font", label_font, sizeof label_font},
    {"loaders", loaders, sizeof loaders},
    {"pipelines", pipelines, sizeof pipelines},
    {"qwen-image", qwen_image, sizeof qwen_image},
    {"qwen2.5-vl", qwen2_5_vl, sizeof qwen2_5_vl},
    {"recognition", recognition, sizeof recognition},
    {"schedules", schedules, sizeof schedules},
    {"stored-forms", stored_forms, sizeof stored_forms},
    {"t5-encoder", t5_encoder, sizeof t5_encoder},
};

const embedded_file *embedded_files(size_t *count) {
  *count = sizeof files / sizeof files[0];
  return files;
}
