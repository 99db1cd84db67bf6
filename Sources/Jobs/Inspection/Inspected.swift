public import Adapters
public import Checkpoints
public import Pictures
public import SystemPackage
public import Tensors

/// What a path holds, found from headers and configurations; no tensor data is read.
public struct Inspected: Sendable {
  /// What was asked about.
  public let path: FilePath
  /// What it is.
  public let subject: Subject
  /// The tensors; nil for a picture, and for a pipeline, whose components have them.
  public let source: TensorSource?
  /// The configuration of a component folder.
  public let configuration: Configuration?
  /// What the `glance.*` metadata say, of a checkpoint or an adapter.
  public let declared: GlanceMetadata
  /// What is wrong with the `glance.*` metadata, if anything.
  let metadataFault: String?

  /// What a path can be.
  public enum Subject: Sendable {
    /// Tensors of a checkpoint, of one of its neighbours, or of nothing known.
    case checkpoint(CheckpointDescription)
    /// A LoRA adapter; what its `glance.*` metadata say.
    case adapter(AdapterFile, GlanceMetadata)
    /// All experts of a schedule in one file.
    case bundle(ExpertBundle, GlanceMetadata)
    /// A folder with all components of a model.
    case pipeline(PipelineFolder, components: [PipelineComponent])
    /// What a merge for both phases wrote: a baked expert for each.
    case experts(BakedFolder, [Inspected])
    /// A picture that decodes to its end.
    case picture(PictureDescription)
  }

  /// A component of a pipeline.
  public struct PipelineComponent: Sendable {
    /// Name of the component and of its folder.
    public let name: String
    /// Its class.
    public let className: String
    /// Its weights; nil for one without weights, such as a tokenizer.
    public let inspection: Inspected?
    /// Why its weights can't be read.
    public let fault: String?
  }

  /// Something worth knowing about what was inspected.
  public struct Finding: Sendable, Equatable {
    /// How much it matters.
    public enum Severity: String, Sendable {
      /// It can't be used as it stands.
      case error
      /// It can be used.
      case warning
    }
    /// How much it matters.
    public let severity: Severity
    /// One sentence.
    public let text: String
    /// Whether it goes away when the caller says what alpha an adapter was trained with.
    public let isSettledByAlpha: Bool

    init(_ severity: Severity, _ text: String, isSettledByAlpha: Bool = false) {
      self.severity = severity
      self.text = text
      self.isSettledByAlpha = isSettledByAlpha
    }
  }
}

extension Inspected {
  /// Everything that is wrong or worth knowing, errors first.
  public var findings: [Finding] {
    var findings: [Finding] = []
    switch subject {
    case .checkpoint(let description):
      findings += description.problems.map { Finding(.error, $0.description) }
      findings += storageFindings(description)
    case .adapter(let file, _):
      // Which components it is of stands among the facts.
      let problems =
        file.problems.filter { !$0.saysTextEncodersAreLeftOut }.map { ("", $0) }
        + file.textEncoderProblems.map { ("text encoders: ", $0) }
      findings += problems.map { start, problem in
        Finding(
          problem.isError ? .error : .warning, start + problem.description,
          isSettledByAlpha: problem.isSettledByAlpha)
      }
    case .bundle, .picture, .experts: break
    case .pipeline(_, let components):
      for component in components {
        if let fault = component.fault { findings.append(Finding(.error, fault)) }
        findings += (component.inspection?.findings ?? []).map {
          Finding($0.severity, "\(component.name): \($0.text)")
        }
      }
    }
    findings += expertFindings
    if let metadataFault { findings.append(Finding(.error, metadataFault)) }
    if let nameFault { findings.append(Finding(.warning, nameFault)) }
    findings += (source?.problems ?? []).map { Finding(.warning, $0) }
    return findings.filter { $0.severity == .error } + findings.filter { $0.severity == .warning }
  }

  /// What is wrong with the name of a file, if anything.
  private var nameFault: String? {
    switch subject {
    case .picture(let picture): path.nameFault(container: picture.format.rawValue)
    case .pipeline, .experts: nil
    default: source.flatMap { $0.files.first?.nameFault(container: $0.container.name) }
    }
  }

  /// Whether it is a picture, which has no tensors.
  public var isPicture: Bool {
    if case .picture = subject { true } else { false }
  }

  /// What it is made of that has tensors: components of a pipeline, baked experts.
  var parts: [Inspected] {
    switch subject {
    case .pipeline(_, let components): components.compactMap(\.inspection)
    case .experts(_, let experts): experts
    default: []
    }
  }

  /// Bytes of the tensors of all files, of a file that several experts share once.
  public var byteCount: Int {
    if case .experts = subject { return distinctByteCount }
    return source?.byteCount ?? parts.reduce(0) { $0 + $1.byteCount }
  }

  /// Elements of all tensors, of what experts share for each.
  public var parameterCount: Int {
    switch subject {
    case .checkpoint(let description): return description.parameterCount
    case .adapter(let file, _): return file.parameterCount
    case .pipeline, .experts: return parts.reduce(0) { $0 + $1.parameterCount }
    default: break
    }
    return (source?.tensors ?? []).reduce(0) { $0 + $1.elementCount }
  }
}
