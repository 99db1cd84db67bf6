internal import Checkpoints
internal import SystemPackage

extension OpenedCheckpoint {
  /// The component that a request names; the input itself when it names none, or the input is that
  /// component alone.
  func picking(_ component: String?) throws -> OpenedCheckpoint {
    guard let component else { return self }
    if case .pipeline = form { return self }
    if let picked = try self.component(component) { return picked }
    if component == "transformer", description.family != nil { return self }
    if component == description.component?.model.kind { return self }
    throw RewritingError.noComponent(
      file: path, component: component,
      found: components.isEmpty ? [description.title] : components)
  }

  /// What the tensors are, for a conversion that rearranges them: a known transformer with every
  /// tensor that it needs.
  func requireArchitecture(_ request: RewritingRequest) throws -> Architecture {
    let found = try description.requireArchitecture(file: path, for: .rewriting)
    return try found.with(headDimension: request.headDimension, file: path)
  }

  /// What the tensors are when that is another component; nil for anything else.
  ///
  /// - Parameters:
  ///   - request: the conversion.
  ///   - rearranges: whether it needs every tensor to be where it belongs.
  /// - Returns: the component.
  /// - Throws: when a tensor isn't, and ``RewritingError/unsupported(file:detail:)`` for codes that nothing reads.
  func component(
    _ request: RewritingRequest, rearranges: Bool
  ) throws -> ComponentArchitecture? {
    guard let component = description.component else { return nil }
    if let lacking = component.lacking.first, !request.mayLackParts {
      throw RewritingError.unsupported(
        file: path,
        detail:
          "\(component.model.title) without \(lacking), which every other form of it holds: give a folder with "
          + "both GGUF files, the language part and the mmproj; drawing and training read the language part as "
          + "it is")
    }
    if rearranges { try description.checkComponent(component, file: path) }
    guard request.form.scaled == nil && request.form.encoding == nil || component.model.hasMatrices
    else {
      throw RewritingError.unsupported(
        file: path,
        detail: "\(component.model.title) has no matrices that programs read codes of, expected a "
          + "transformer or a text encoder")
    }
    return component
  }

  /// What the tensors are, for a conversion that leaves them where they are; nil for tensors of no
  /// known transformer, which are converted one by one.
  func architecture(_ request: RewritingRequest) throws -> Architecture? {
    for problem in description.problems {
      if case .adapterAttached(let adapter) = problem, request.form.changesElements {
        throw CheckpointError.adapterAttached(file: path, adapter)
      }
    }
    guard let found = description.architecture else {
      // Which layers are scaled is known of transformers of known families.
      guard request.form.scaled == nil, request.form.encoding == nil else {
        return try description.requireArchitecture(file: path, for: .rewriting)
      }
      return nil
    }
    return try found.with(headDimension: request.headDimension, file: path)
  }
}

extension CheckpointDescription {
  /// What a model of a known family lacks, for a conversion that leaves its tensors where they are and so works
  /// without it; nil where nothing is missing.
  var incompleteness: String? {
    let missing = problems.filter { problem in
      switch problem {
      case .missing, .missingBlocks: true
      default: false
      }
    }
    guard let family, let first = missing.first else { return nil }
    return
      "\(first)\(missing.count > 1 ? " (with \(missing.count - 1) more)" : ""), and so it is in what is "
      + "written: \(family.title) is not whole without it"
  }
}

extension Architecture {
  /// The same model with a width of heads that its tensors don't tell; one that they do tell must
  /// agree.
  fileprivate func with(
    headDimension: Int?, file: FilePath
  ) throws -> Architecture {
    guard let headDimension else { return self }
    if let found = dimensions["head"], found != headDimension {
      throw RewritingError.unsupported(
        file: file,
        detail: "heads are \(found) wide according to the tensors, not \(headDimension)")
    }
    var dimensions = dimensions
    dimensions.sizes["head"] = headDimension
    return Architecture(family: family, dimensions: dimensions)
  }
}
