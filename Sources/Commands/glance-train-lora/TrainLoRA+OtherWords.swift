extension TrainLoRA {
  /// What kohya's scripts, diffusers' trainers, ai-toolkit and musubi-tuner call these things.
  static let wordsOfOthers = [
    "--epochs": stepsAdvice, "--num-train-epochs": stepsAdvice, "--max-train-epochs": stepsAdvice,
    "--max-train-steps": stepsAdvice,
    "--network-dim": rankAdvice, "--lora-rank": rankAdvice, "--dim": rankAdvice,
    "--network-alpha": alphaAdvice, "--lora-alpha": alphaAdvice,
    "--train-batch-size": batchAdvice, "--batch-size": batchAdvice,
    "--width": sizeAdvice, "--height": sizeAdvice, "--size": sizeAdvice,
    "--train-data-dir": dataAdvice, "--instance-data-dir": dataAdvice, "--dataset": dataAdvice,
    "--dataset-config": dataAdvice,
    "--instance-prompt": "a picture's text is --caption TEXT",
    "--prompt": "a picture's text is --caption TEXT",
    "--pretrained-model-name-or-path": modelAdvice, "--dit": modelAdvice, "--ckpt": modelAdvice,
    "--output-dir": "the folder is --output FOLDER",
    "--output-name": "names begin with --name NAME",
    "--validation-prompt": previewAdvice, "--sample-prompts": previewAdvice,
    "--validation-steps": previewAdvice, "--sample-every-n-steps": previewAdvice,
    "--resume-from-checkpoint": "going on is --resume, with the same --output and --name",
    "--save-every-n-steps": "saving is --save-every N",
    "--checkpointing-steps": "saving is --save-every N",
    "--save-every-n-epochs": "saving is --save-every N, in steps",
    "--caption-extension": dataAdvice, "--image-dir": dataAdvice,
    "--gradient-accumulation-steps": batchAdvice,
    "--optimizer-type": "the optimiser is AdamW, with --lr, --weight-decay and --eps",
    "--optimizer": "the optimiser is AdamW, with --lr, --weight-decay and --eps",
    "--lr-scheduler": "the rate rises for --warmup N steps and stays",
    "--lr-warmup-steps": "here it is --warmup N",
    "--max-grad-norm": "here it is --clip N",
    "--gradient-checkpointing": "what is kept or computed again follows from --memory",
    "--mixed-precision":
      "arithmetic is --precision float32 or bfloat16; adapters are written as --adapter-dtype f32 or bf16",
    "--save-precision": "adapters are written as --adapter-dtype f32 or bf16",
    "--blocks-to-swap": memoryAdvice, "--split-mode": memoryAdvice, "--fp8-base": baseAdvice,
    "--fp8-base-unet": baseAdvice, "--unet-lr": "here it is --lr",
    "--adam-beta1": "here it is --beta1",
    "--adam-beta2": "here it is --beta2", "--adam-epsilon": "here it is --eps",
    "--network-module": "what is trained is a LoRA; --targets says of which layers",
    "--timestep-sampling": timestepAdvice, "--weighting-scheme": timestepAdvice,
    "--discrete-flow-shift": timestepAdvice, "--logit-mean": timestepAdvice,
    "--guidance-scale": "here it is --guidance", "--enable-wildcard": "here it is --caption-lines",
    "--cache-latents": cacheAdvice, "--cache-text-encoder-outputs": cacheAdvice,
    "--logging-dir": logAdvice, "--log-with": logAdvice, "--report-to": logAdvice,
    "--epoch": stepsAdvice,
    "--flip": shapeAdvice, "--flip-aug": shapeAdvice, "--random-crop": shapeAdvice,
    "--color-aug": shapeAdvice, "--enable-bucket": shapeAdvice,
    "--repeats": repeatsAdvice, "--num-repeats": repeatsAdvice,
    "--dataset-repeats": repeatsAdvice,
    "--trigger": "a word of one's own belongs into the captions",
    "--trigger-word": "a word of one's own belongs into the captions",
    "--noise-offset": "there is no offset of the noise",
    "--network-weights": "training starts from nothing; going on with a run is --resume",
  ]

  private static let shapeAdvice =
    "pictures are cut to one shape, which --resolution sets, and otherwise stay as they are"
  private static let repeatsAdvice =
    "pictures come in turn until --steps are taken; one that is there twice comes twice as often"
  private static let memoryAdvice =
    "what is kept or computed again follows from --memory; weights stay mapped"
  private static let baseAdvice =
    "an fp8 file is --transformer FILE; it is trained on as it is stored"
  private static let timestepAdvice =
    "timesteps are the phases' of --preset; losses are weighted by --weighting"
  private static let cacheAdvice = "they are kept for other runs by themselves; see --no-cache"
  private static let logAdvice =
    "here it is --log, which writes a table, a page and TensorBoard's events"
  private static let previewAdvice = "pictures on the way are --preview PROMPT --preview-every N"
  private static let stepsAdvice = "the length of a run is --steps N, for each expert"
  private static let rankAdvice = "the rank is --rank N"
  private static let alphaAdvice = "alpha is --alpha N"
  private static let batchAdvice = "items of a step are --batch N"
  private static let sizeAdvice = "the size is --resolution WIDTHxHEIGHT"
  private static let dataAdvice =
    "pictures are --data FOLDER, x.png with x.txt, or one is --image FILE"
  private static let modelAdvice = "the model is a folder, --model FLUX.1-dev"
}
