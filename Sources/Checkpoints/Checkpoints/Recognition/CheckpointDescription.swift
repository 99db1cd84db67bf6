public import Elements
public import Tensors

/// What a file's tensors are: family, variant, layout, dimensions, and what is wrong with them.
/// Made from headers alone; no tensor data is read.
public struct CheckpointDescription: Sendable {
  /// What the tensors belong to.
  public enum Subject: Sendable {
    /// The transformer of a family.
    case transformer(Architecture)
    /// Another component of a pipeline.
    case component(name: String, kind: String, title: String)
    /// Another architecture that resembles one of the families.
    case lookAlike(title: String)
    /// Nothing that is known.
    case unknown
  }

  /// What the tensors belong to.
  public let subject: Subject
  /// Which variant of its family; nil when the tensors don't tell.
  public let variant: ModelFamily.Variant?
  /// Naming scheme, such as `diffusers`, `bfl` or `comfyui`; nil when unknown.
  public let layoutName: String?
  /// The layout of what is known tensor by tensor.
  public let layout: Layout?
  /// A component other than a transformer, tensor by tensor; nil for anything else, and for one whose names
  /// don't tell how many of its parts there are.
  public let component: ComponentArchitecture?
  /// What stands before every name.
  public let prefix: String
  /// Elements of all tensors of the subject as the model has them: unpacked, without scales and notes.
  public let parameterCount: Int
  /// How many tensors of the subject there are.
  public let tensorCount: Int
  /// The subject's dtypes, the one with most bytes first.
  public let dtypes: [DTypeShare]
  /// How the weights of the whole checkpoint are stored, layer by layer.
  public let weights: WeightStorage
  /// Other components in the same file, and how many tensors each has.
  public let bundled: [(component: String, tensorCount: Int)]
  /// How many layers another architecture has, list by list; empty for what isn't one.
  public let layers: [(name: String, count: Int)]
  /// Everything that is wrong, in the order of the family's tensors.
  public let problems: [CheckpointProblem]

  /// How much of a checkpoint is stored in one dtype.
  public struct DTypeShare: Sendable, Equatable {
    /// The dtype.
    public let dtype: DType
    /// How many tensors have it.
    public fileprivate(set) var tensorCount: Int
    /// Their bytes.
    public fileprivate(set) var byteCount: Int
  }

  /// How the subject's weights are stored when it isn't plainly: `ComfyUI scaled fp8, generation 1`,
  /// or several forms; nil for plain ones.
  public var storage: String? {
    let titles = weights.forms(under: prefix).map(\.form.title)
    return titles.isEmpty ? nil : titles.joined(separator: ", ")
  }

  /// The architecture of a transformer; nil for anything else.
  public var architecture: Architecture? {
    if case .transformer(let architecture) = subject { architecture } else { nil }
  }

  /// What it is, in a few words: `FLUX.1 transformer, schnell (no guidance embedding)`.
  public var title: String {
    switch subject {
    case .transformer(let architecture):
      "\(architecture.family.title) transformer" + (variant.map { ", \($0.title)" } ?? "")
    case .component(_, _, let title), .lookAlike(let title): title
    case .unknown: "tensors of no known model"
    }
  }

  /// The family of a transformer; nil for anything else.
  public var family: ModelFamily? { architecture?.family }

  /// What the tensors are, where that is known one by one.
  public var model: (any NamedModel)? { architecture ?? component }

  /// The layouts that the model can have; none for what isn't known.
  public var layouts: [Layout] { family?.layouts ?? component?.model.layouts ?? [] }
}

extension CheckpointDescription.DTypeShare {
  /// The dtypes of tensors, the one with most bytes first.
  public static func shares(of tensors: some Sequence<TensorDescription>) -> [Self] {
    // A file has few.
    var shares: [Self] = []
    for tensor in tensors {
      let bytes = tensor.dtype.byteCount(shape: tensor.shape) ?? 0
      if let known = shares.firstIndex(where: { $0.dtype == tensor.dtype }) {
        shares[known].tensorCount += 1
        shares[known].byteCount += bytes
      } else {
        shares.append(Self(dtype: tensor.dtype, tensorCount: 1, byteCount: bytes))
      }
    }
    return shares.sorted { ($0.byteCount, $0.dtype.rawValue) > ($1.byteCount, $1.dtype.rawValue) }
  }
}
