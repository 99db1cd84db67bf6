internal import ArgumentParser
package import CommandSupport
internal import Compute
internal import OptionGroups

/// What `glance-eval` runs.
package var evalCommand: any Tool.Type { Eval.self }

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
        "A table of variants, trained and compared",
        "glance-eval grid --config models/world/ablations.json --model models/tiny-flux --output out"
      ),
      (
        "How far the features of two sets of pictures are apart",
        "glance-eval fid ours.npy coco.npy"
      ),
      (
        "GenEval's pictures of the plain model in 10 steps, for GenEval's own scorer",
        "glance-eval export --bench geneval --prompts evaluation_metadata.jsonl --model FLUX.1-dev --schedule teacher:10 --name plain --output geneval"
      ),
    ],
    subcommands: [Run.self, Grid.self, Distance.self, Export.self, Import.self])

  static func prepare() {
    ProductKernels.settle()
    DeviceListing.answerIfAsked()
  }
}
