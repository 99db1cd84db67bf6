internal import ArgumentParser
internal import CommandSupport
internal import Compute

@main
struct Eval: Tool {
  static let configuration = CommandConfiguration(
    tool: "glance-eval",
    abstract: "Measure what adapters and schedules do to pictures, at equal cost.",
    examples: [
      (
        "Two experts against the plain model at equal forward passes",
        "glance-eval run --model FLUX.1-dev --adapter cat.safetensors --prompts prompts.txt --output out"
      ),
      (
        "How far the features of two sets of pictures are apart",
        "glance-eval fid ours.npy coco.npy"
      ),
    ],
    subcommands: [Run.self, Distance.self])

  static func prepare() { ProductKernels.settle() }
}
