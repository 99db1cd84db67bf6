extension Sample {
  /// What kohya's scripts, diffusers' examples and ComfyUI call these things.
  static let wordsOfOthers = [
    "--steps": stepsAdvice, "--num-inference-steps": stepsAdvice, "--sample-steps": stepsAdvice,
    "--width": sizeAdvice, "--height": sizeAdvice, "-W": sizeAdvice, "-H": sizeAdvice,
    "--resolution": sizeAdvice, "--image-size": sizeAdvice,
    "--sampler": scheduleAdvice, "--scheduler": scheduleAdvice, "--sigmas": scheduleAdvice,
    "--lora-scale": strengthAdvice, "--lora-weight": strengthAdvice,
    "--lora-multiplier": strengthAdvice, "--scale": strengthAdvice,
    "--guidance-scale": guidanceAdvice, "--true-cfg-scale": "here it is --cfg",
    "--num-images": countAdvice, "--num-images-per-prompt": countAdvice,
    "--batch-size": countAdvice, "--n-iter": countAdvice,
    "-n": countAdvice, "--n": countAdvice, "--num": countAdvice,
    "--lora-weights": adapterAdvice, "--lora-path": adapterAdvice,
    "--network-weights": adapterAdvice, "--network-mul": strengthAdvice,
    "--pretrained-model-name-or-path": modelAdvice,
    "--outdir": "here it is --output FOLDER",
    "--out": "here it is --output FOLDER",
    "--prompt-file": "here it is --prompts FILE, a prompt on every line",
    "--dtype":
      "arithmetic is --precision float32 or bfloat16; weights are taken as they are stored",
    "--denoising-strength": "here it is --strength", "--img": "a picture to start from is --image",
    "--ckpt": modelAdvice, "--checkpoint": modelAdvice, "--model-path": modelAdvice,
    "--dit": transformerAdvice, "--unet": transformerAdvice, "--diffusion-model": transformerAdvice,
    "--output-dir": "here it is --output FOLDER",
    "--fp8": storedAdvice, "--offload": memoryAdvice, "--lowvram": memoryAdvice,
    "--medvram": memoryAdvice, "--ckpt-path": modelAdvice, "--t5": encoderAdvice,
    "--clip-l": encoderAdvice, "--ae": encoderAdvice, "--vae": encoderAdvice,
    "--shift": scheduleAdvice, "--flow-shift": scheduleAdvice, "--noise-seed": "here it is --seed",
    "--generator": "here it is --seed", "--max-sequence-length": "here it is --text-tokens",
    "--aspect-ratio": "here it is --size 3:2", "--overwrite": "here it is --force",
    "--output-type": "finished latents are --save-latents FILE", "-m": modelAdvice,
    "-p": "here it is --prompt", "-s": stepsAdvice, "-b": countAdvice,
    "--format": "pictures are written as PNG",
    "--clip-skip": "texts are encoded as the model's pipeline does",
    "--neg": "here it is --negative",
    "--from-file": "here it is --prompts FILE, a prompt on every line",
  ]

  private static let storedAdvice =
    "weights are taken as they are stored; glance-convert makes fp8 files"
  private static let memoryAdvice =
    "weights stay mapped; --device-memory limits what a device takes"
  private static let encoderAdvice =
    "components are those of the model's folder; glance-convert --layout diffusers makes one of files"
  private static let stepsAdvice =
    "steps are the schedule's, --schedule teacher:20 or a preset such as glance-5+5"
  private static let sizeAdvice = "the size is --size WIDTHxHEIGHT, such as --size 1024x768"
  private static let scheduleAdvice = "timesteps are --schedule: teacher:20, a preset or sigmas"
  private static let strengthAdvice =
    "a strength stands behind the adapter's file: --adapter cat.safetensors:0.8, and of blocks: "
    + "cat.safetensors:double_blocks.0-7=0.5"
  private static let adapterAdvice = "LoRA files go to --adapter FILE"
  private static let guidanceAdvice =
    "FLUX.1's guidance value is --guidance, classifier-free guidance is --cfg"
  private static let countAdvice = "several pictures of a prompt are --count N"
  private static let modelAdvice =
    "the model is a folder, --model FLUX.1-dev; another transformer for it is --transformer FILE"
  private static let transformerAdvice = "another transformer is --transformer FILE"
}
