internal import ArgumentParser
internal import BenchCommand
internal import CommandSupport
internal import ConvertCommand
internal import EvalCommand
internal import InspectCommand
internal import MergeCommand
internal import SampleCommand
internal import TrainLoRACommand

/// All commands in one program; `glance-inspect` and the others are the same program by other names.
@main
struct Glance: ToolSet {
  static let program = "glance"

  static let tools = [
    NamedTool("glance-inspect", inspectCommand), NamedTool("glance-convert", convertCommand),
    NamedTool("glance-train-lora", trainLoRACommand), NamedTool("glance-merge", mergeCommand),
    NamedTool("glance-sample", sampleCommand), NamedTool("glance-eval", evalCommand),
    NamedTool("glance-bench", benchCommand),
  ]

  static let wordsOfOthers = [
    "draw": "did you mean 'sample'?", "generate": "did you mean 'sample'?",
    "train": "did you mean 'train-lora'?", "lora": "did you mean 'train-lora'?",
    "txt2img": "did you mean 'sample'?", "evaluate": "did you mean 'eval'?",
    "benchmark": "did you mean 'bench'?", "info": "did you mean 'inspect'?",
    "show": "did you mean 'inspect'?", "bake": "did you mean 'merge'?",
    "quantize": "did you mean 'convert'?",
  ]

  static let configuration = CommandConfiguration(
    tool: program,
    abstract: "Diffusion checkpoints and adapters: FLUX.1 and Qwen-Image.",
    discussion: """
      Every command is there under a name of its own, too: 'glance inspect' is 'glance-inspect'.
      """,
    examples: [
      ("What is this file?", "glance inspect flux1-dev.safetensors"),
      ("How is a command called?", "glance help sample"),
    ],
    subcommands: tools.map(\.type))
}
