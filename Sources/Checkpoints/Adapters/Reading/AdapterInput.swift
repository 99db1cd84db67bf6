public import Checkpoints
public import SystemPackage
internal import Tensors

/// An adapter or a bundle of experts, opened with everything beside it that says what it means. Every
/// command opens adapters so.
public struct AdapterInput: Sendable {
  /// What a file can be.
  public enum Content: Sendable {
    /// One adapter.
    case adapter(AdapterFile)
    /// The experts of a schedule.
    case bundle(ExpertBundle)
  }

  /// The file; the one inside where its folder was named.
  public let file: FilePath
  /// What it is.
  public let content: Content
  private let metadata: Metadata

  /// Opens a file, or the folder that PEFT saved.
  ///
  /// - Parameters:
  ///   - path: the file or folder.
  ///   - assumedAlpha: the alpha to take where nothing says; nil means alpha = rank.
  ///   - family: what an adapter is for, whatever its file says; nil for what that tells.
  /// - Throws: ``AdapterError`` when it can't be read at all.
  public init(
    opening path: FilePath, assumedAlpha: Double? = nil, family: ModelFamily? = nil
  ) throws {
    let source = try TensorSource(adapter: path)
    file = source.files.first ?? path
    metadata = source.metadata
    content =
      ExpertBundle.isBundle(source.metadata)
      ? .bundle(try ExpertBundle(source))
      : .adapter(AdapterFile(source, assumedAlpha: assumedAlpha, family: family))
  }

  /// The transformer's modules as an adapter's file names them; none of a bundle's.
  public var entries: [AdapterFile.Entry] {
    if case .adapter(let read) = content { read.entries } else { [] }
  }

  /// The experts of a bundle in their order, or the one that an adapter file is.
  public func experts(
    _ options: AdapterReadingOptions = AdapterReadingOptions()
  ) throws -> [Expert] {
    switch content {
    case .bundle(let bundle): return bundle.experts
    case .adapter(let read):
      let glance = try GlanceMetadata(metadata, file: file)
      return [Expert(phase: glance.phase, adapter: try read.adapter(options))]
    }
  }

  /// Why what it does to text encoders can't be used; nil where it can, or does nothing to them.
  ///
  /// - Parameter way: how changes are taken that are no plain LoRA.
  /// - Returns: the first problem.
  public func textEncoderFault(
    _ way: AdapterReadingOptions.OtherMethods
  ) -> AdapterProblem? {
    guard case .adapter(let read) = content else { return nil }
    return read.textEncoderProblems.first {
      $0.isError || $0.isNoPlainLoRA && !read.isSettled($0, by: way)
    }
  }

  /// Whether there is nothing of the transformer in it.
  public var isOfTextEncodersAlone: Bool {
    guard case .adapter(let read) = content else { return false }
    return read.problems.contains { if case .onlyTextEncoders = $0 { true } else { false } }
  }

  /// What a person should know before the adapter is used: what its scale was taken from, what of
  /// it is left out. A bundle's factors are as they are meant.
  public func notes(
    _ options: AdapterReadingOptions = AdapterReadingOptions()
  ) -> [AdapterNote] {
    guard case .adapter(let read) = content else { return [] }
    let leftOut = read.leftOut(options)
    func isTold(_ problem: AdapterProblem) -> Bool {
      !problem.isError && !leftOut.contains(problem)
        && !read.isSettled(problem, by: options.otherMethods)
        && !(options.includesTextEncoders && problem.saysTextEncodersAreLeftOut)
    }
    let ofEncoders = options.includesTextEncoders ? read.textEncoderProblems : []
    return read.problems.filter(isTold).map { AdapterNote($0) }
      + ofEncoders.filter(isTold).map { AdapterNote(ofTextEncoders: $0) }
      + leftOut.map { AdapterNote("left out: \($0.whatIsLeftOut)") }
  }
}

/// A sentence about an adapter for a person.
public struct AdapterNote: Sendable, Equatable {
  /// The sentence.
  public let text: String
  /// Whether it goes away when the caller says what alpha training had.
  public let isSettledByAlpha: Bool
  /// Whether it is about what other programs make of the file, and not about its meaning.
  public let isAboutOtherPrograms: Bool
  /// Whether it says that text encoders' parts are not used.
  package let saysTextEncodersAreLeftOut: Bool

  /// A sentence.
  public init(_ text: String) {
    self.text = text
    isSettledByAlpha = false
    isAboutOtherPrograms = false
    saysTextEncodersAreLeftOut = false
  }

  /// What a problem of text encoders' parts says.
  package init(ofTextEncoders problem: AdapterProblem) {
    self.init(problem, before: "text encoders: ")
  }

  /// What a problem says.
  public init(_ problem: AdapterProblem) { self.init(problem, before: "") }

  private init(_ problem: AdapterProblem, before start: String) {
    text = start + problem.description
    isSettledByAlpha = problem.isSettledByAlpha
    isAboutOtherPrograms = problem.isAboutOtherPrograms
    saysTextEncodersAreLeftOut = problem.saysTextEncodersAreLeftOut
  }

  /// The sentence with what to do, in the words of whoever can do it.
  public func sentence(sayingAlpha advice: String) -> String {
    isSettledByAlpha ? "\(text); \(advice)" : text
  }
}
