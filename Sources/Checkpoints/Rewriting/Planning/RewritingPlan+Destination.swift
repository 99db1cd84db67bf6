internal import Checkpoints
internal import Elements
internal import Files
internal import SystemPackage

extension RewritingPlan.Destination {
  /// What the output's name and the options call for.
  init(_ request: RewritingRequest, _ input: OpenedCheckpoint) throws {
    if let refusal = OutputName.refusal(of: request.output) {
      throw RewritingError.usage("--output: \(refusal)")
    }
    if request.form.encoding != nil {
      guard request.form.dtype == nil, request.form.scaled == nil else {
        throw RewritingError.usage(
          "--encoding decides how elements are stored; leave --dtype and --scaled out")
      }
      guard request.form.rounding == .nearest else {
        throw RewritingError.usage("--rounding: the codes of --encoding are rounded to nearest")
      }
    }
    let ending = request.output.extension
    if request.form.gguf != nil || ending == "gguf" {
      guard ending == "gguf" else {
        throw RewritingError.usage(
          "--output: a GGUF file's name ends in .gguf, found '\(request.output)'")
      }
      guard request.prefix == nil || request.prefix == "" else {
        throw RewritingError.usage("--prefix: names in GGUF files have none")
      }
      guard request.form.rounding == .nearest else {
        throw RewritingError.usage("--rounding: the blocks of GGUF have a rounding of their own")
      }
      guard request.form.dtype == nil, request.form.scaled == nil, request.form.encoding == nil
      else {
        throw RewritingError.usage(
          "--gguf decides how elements are stored; leave --dtype, --scaled and --encoding out")
      }
      guard !request.form.isCompressed, request.form.differenceBase == nil,
        request.form.shardByteLimit == nil
      else { throw RewritingError.usage("GGUF files are neither compressed nor sharded here") }
      self = .gguf
    } else if OutputName.isFile(request.output) {
      guard request.form.shardByteLimit == nil else {
        throw RewritingError.usage(
          "--shard-size: shards need a folder; give an output without .\(ending ?? "") at its end")
      }
      self = .file
    } else {
      guard !request.form.isCompressed || request.form.shardByteLimit == nil else {
        throw RewritingError.usage("--compress writes one file; leave --shard-size out")
      }
      self = .folder(base: Self.base(input, component: request.component))
    }
  }

  /// What the files of a component are called.
  ///
  /// Source: huggingface/diffusers, `utils/constants.py`, `SAFETENSORS_WEIGHTS_NAME`;
  /// huggingface/transformers, `utils/__init__.py`, the constant of the same name.
  private static func base(_ input: OpenedCheckpoint, component: String?) -> String {
    if case .component(_, let kind, _) = input.description.subject, kind == "text-encoder" {
      return "model"
    }
    return "diffusion_pytorch_model"
  }

  /// Whether this is a folder.
  var isFolder: Bool { if case .folder = self { true } else { false } }
}
