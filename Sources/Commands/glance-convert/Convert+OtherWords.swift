internal import Elements

extension Convert {
  /// What llama.cpp's, kohya's and diffusers' converters call these things.
  static let wordsOfOthers = [
    "--quantize": quantisingAdvice, "--quant": quantisingAdvice, "--qtype": quantisingAdvice,
    "--outtype": quantisingAdvice, "--type": quantisingAdvice,
    "--int8": "here it is --encoding int8", "--nvfp4": "here it is --encoding nvfp4",
    "--mxfp8": "here it is --encoding mxfp8",
    "--fp8": "plain fp8 is --dtype f8_e4m3, ComfyUI's is --scaled",
    "--fp16": "here it is --dtype f16", "--bf16": "here it is --dtype bf16",
    "--precision": "here it is --dtype bf16", "--save-precision": "here it is --dtype bf16",
    "--outfile": "the output is --output FILE", "--out": "the output is --output FILE",
    "--save-to": "the output is --output FILE", "--dst": "the output is --output FILE",
    "--input": inputAdvice, "--src": inputAdvice, "--checkpoint-path": inputAdvice,
    "--target": formAdvice, "--to": formAdvice, "--format": formAdvice,
    "--max-shard-size": "here it is --shard-size 5GB",
  ]

  private static let quantisingAdvice =
    "GGUF is --gguf q8_0, fp8 is --dtype f8_e4m3 or --scaled, int8, nvfp4 and mxfp8 are --encoding"
  private static let inputAdvice = "the input has no option: glance-convert INPUT --output OUTPUT"
  private static let formAdvice =
    "a checkpoint's names are --layout diffusers, bfl or comfyui, an adapter's are --dialect"
}
