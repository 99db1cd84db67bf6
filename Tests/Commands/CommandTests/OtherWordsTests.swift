import Elements
import TestSupport
import Testing

/// Options that people know from other programs.
@Suite("A word of another program")
struct OtherWordsTests {
  @Test(
    "is answered with an option that the command has",
    arguments: [
      ("glance-sample", "--steps", "--schedule"), ("glance-sample", "--width", "--size"),
      ("glance-sample", "--lora-scale", "--adapter"),
      ("glance-sample", "--guidance-scale", "--cfg"),
      ("glance-sample", "--sampler", "--schedule"), ("glance-sample", "--num-images", "--count"),
      ("glance-sample", "--ckpt", "--model"), ("glance-sample", "--unet", "--transformer"),
      ("glance-sample", "--num_inference_steps", "--schedule"), ("glance-sample", "-n", "--count"),
      ("glance-sample", "--guidance_scale", "--cfg"),
      ("glance-sample", "--network_weights", "--adapter"), ("glance-sample", "--img", "--image"),
      ("glance-sample", "--cfg_scale", "--cfg-scale"),
      ("glance-train-lora", "--network_dim", "--rank"),
      ("glance-train-lora", "--max_train_steps", "--steps"),
      ("glance-train-lora", "--pretrained_model_name_or_path", "--model"),
      ("glance-train-lora", "--optimizer_type", "--weight-decay"),
      ("glance-train-lora", "--lr_scheduler", "--warmup"),
      ("glance-merge", "--save_precision", "--dtype"),
      ("glance-sample", "--from-file", "--prompts"), ("glance-sample", "--output-dir", "--output"),
      ("glance-train-lora", "--epochs", "--steps"),
      ("glance-train-lora", "--network-dim", "--rank"),
      ("glance-train-lora", "--network-alpha", "--alpha"),
      ("glance-train-lora", "--train-batch-size", "--batch"),
      ("glance-train-lora", "--width", "--resolution"),
      ("glance-train-lora", "--train-data-dir", "--data"),
      ("glance-train-lora", "--instance-prompt", "--caption"),
      ("glance-train-lora", "--output-dir", "--output"),
      ("glance-train-lora", "--resume-from-checkpoint", "--resume"),
      ("glance-train-lora", "--mixed-precision", "--adapter-dtype"),
      ("glance-merge", "--lora", "--output"), ("glance-merge", "--ratios", "--scale"),
      ("glance-merge", "--fp8", "--scaled"), ("glance-merge", "--new-rank", "--resize-rank"),
      ("glance-convert", "--quantize", "--gguf"), ("glance-convert", "--fp8", "--dtype"),
      ("glance-convert", "--target", "--layout"), ("glance-convert", "--outfile", "--output"),
      ("glance-inspect", "--keys", "--tensors"), ("glance-inspect", "--compare", "--diff"),
    ])
  func answered(command: String, word: String, option: String) throws {
    let command = BuiltCommand(command)
    let run = try command.run([word, "x"])
    #expect(run.status == 64)
    let line = try #require(run.errors.split(separator: "\n").first)
    #expect(line.contains("Unknown option '\(word)': "))
    #expect(line.contains(option))
    let help = try command.run(["--help"]).output
    let named = line.split(separator: ": ", maxSplits: 2).last?.split(whereSeparator: {
      !($0.isLetter || $0 == "-")
    })
    for name in named ?? [] where name.hasPrefix("--") {
      #expect(help.contains("\(name) ") || help.contains("\(name),"), "\(name) is no option")
    }
  }

  @Test(
    "that means the same is taken",
    arguments: [
      ["--lora", "nowhere.safetensors"], ["--negative-prompt", "x"], ["--cfg-scale", "2"],
    ])
  func same(option: [String]) throws {
    let run = try BuiltCommand("glance-sample").run(
      ["--model", "/nowhere", "--prompt", "x", "-o", "x.png"] + option)
    #expect(run.status == 66)
    #expect(run.errors.hasPrefix("glance-sample: /nowhere: "))
  }

  @Test(
    "help can be pasted: no example is wrapped by the parser",
    arguments: [
      "glance-bench", "glance-inspect", "glance-convert", "glance-train-lora", "glance-merge",
      "glance-sample", "glance-eval", "glance-eval fid",
    ])
  func examples(line: String) throws {
    let words = line.split(separator: " ").map(String.init)
    let command = words[0]
    let help = try BuiltCommand(command)
      .run(words.dropFirst() + ["--help"], environment: ["COLUMNS": "80"]).output
    let examples = try #require(help.firstRange(of: "EXAMPLES:\n"))
    let end = try #require(help.firstRange(of: "\nUSAGE:"))
    var follows = false
    for line in help[examples.upperBound..<end.lowerBound].split(separator: "\n") {
      let isStart = line.hasPrefix("  # ") || line.hasPrefix("  \(command) ")
      #expect(isStart || (follows && line.hasPrefix("    --")), "\(line)")
      follows = line.hasSuffix(" \\")
    }
  }
}
