public import Adapters
internal import Checkpoints
internal import Elements
internal import Files
internal import Pictures
internal import Tensors

/// What a path holds, in so few words that it stands in a line of a table. Texts from files are as they
/// are there.
public struct InspectionSummary: Sendable, Equatable {
  /// What it is: `FLUX.1 transformer, dev`, `LoRA adapter for Qwen-Image`.
  public let title: String
  /// Its names and numbers: `bfl, BF16`, `Q4_K_M`, `kohya, F16`.
  public let form: String
  /// Distinct ranks of an adapter, ascending.
  public let ranks: [Int]
  /// Elements of all tensors as the model has them.
  public let parameterCount: Int
  /// Bytes of all files.
  public let byteCount: Int

  /// The summary of what was inspected.
  public init(_ inspected: Inspected) {
    var form: [String] = []
    var ranks: [Int] = []
    switch inspected.subject {
    case .checkpoint(let description):
      title = description.shortTitle
      if let layout = description.layoutName, layout != "gguf" { form.append(layout) }
      if let storage = description.storage { form.append(storage) }
    case .adapter(let file, let glance):
      title = file.title + (glance.phase.map { ", phase \($0)" } ?? "")
      form = file.dialects.map(\.name)
      ranks = file.ranks
    case .bundle(let bundle, _):
      let family = bundle.experts.first?.adapter.family.map { " for \($0.title)" }
      title = "bundle of \(bundle.experts.count) experts\(family ?? "")"
      ranks = Set(bundle.experts.flatMap(\.adapter.ranks)).sorted()
    case .pipeline(let pipeline, _):
      title = "\(pipeline.family?.title ?? "unknown") pipeline, \(pipeline.className)"
    case .experts(_, let experts): title = "\(experts.count) baked experts"
    case .picture(let picture):
      title = "\(picture.format.rawValue) picture"
      form = ["\(picture.width)x\(picture.height)"]
    }
    if form.isEmpty || inspected.description?.storage == nil { form += inspected.numberTypes }
    self.form = form.joined(separator: ", ")
    self.ranks = ranks
    parameterCount = inspected.parameterCount
    byteCount = inspected.isPicture ? inspected.path.byteCount ?? 0 : inspected.storedByteCount
  }
}

extension Inspected {
  /// The types of the numbers, the one with most bytes first, or what they are together in a GGUF file.
  fileprivate var numberTypes: [String] {
    if let fileType { return [fileType] }
    // What is in few bytes, such as biases, says little.
    let blocks = blockTypes.map(\.name)
    if !blocks.isEmpty { return Array(blocks.prefix(2)) }
    return CheckpointDescription.DTypeShare.shares(of: allTensors.lazy.map(\.description))
      .prefix(2).map(\.dtype.rawValue)
  }
}

extension CheckpointDescription {
  /// What it is, a variant by its name.
  fileprivate var shortTitle: String {
    guard case .transformer(let architecture) = subject else { return title }
    return "\(architecture.family.title) transformer" + (variant.map { ", \($0.name)" } ?? "")
  }
}

extension AdapterFile {
  /// What it is, and for which model: `LoRA adapter for FLUX.1`.
  public var title: String {
    let model = otherModel ?? families.map(\.title).joined(separator: " or ")
    return "\(kind) for \(model.isEmpty ? "no known family" : model)"
  }

  /// What kind of adapter it is: a plain LoRA, one with something more, or another method.
  private var kind: String {
    let methods = methods.map(\.title).joined(separator: " and ")
    if methods.isEmpty { return "LoRA adapter" }
    return entries.isEmpty ? "\(methods) adapter" : "LoRA adapter with \(methods)"
  }
}
