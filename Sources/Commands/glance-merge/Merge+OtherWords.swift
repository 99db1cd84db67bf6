extension Merge {
  /// What kohya's scripts, mergekit and ComfyUI's nodes call these things.
  static let wordsOfOthers = [
    "--lora": adapterAdvice, "--adapter": adapterAdvice, "--models": adapterAdvice,
    "--lora-weights": adapterAdvice, "--base": adapterAdvice, "--model": adapterAdvice,
    "--flux-model": adapterAdvice, "--sd-model": adapterAdvice,
    "--ratios": strengthAdvice, "--ratio": strengthAdvice, "--strength": strengthAdvice,
    "--weight": strengthAdvice, "--weights": strengthAdvice, "--multiplier": strengthAdvice,
    "--lbw": blockAdvice, "--block-weights": blockAdvice, "--block-weight": blockAdvice,
    "--save-to": "the output is --output FILE", "--out": "the output is --output FILE",
    "--save-precision": "the output's type is --dtype bf16",
    "--precision": "the output's type is --dtype bf16",
    "--fp8": "plain fp8 is --dtype f8_e4m3, ComfyUI's is --scaled",
    "--new-rank": "a smaller rank is --mode adapter --resize-rank N",
  ]

  private static let adapterAdvice =
    "files have no option: glance-merge BASE ADAPTER… --output OUTPUT"
  private static let blockAdvice =
    "strengths of blocks stand behind the adapter's file, cat.safetensors:double_blocks.0-7=0.5, or are "
    + "--scale for all"
  private static let strengthAdvice =
    "a strength stands behind the adapter's file, cat.safetensors:0.8, or is --scale for all"
}
