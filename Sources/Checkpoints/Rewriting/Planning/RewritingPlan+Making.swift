package import Checkpoints
internal import Files
internal import Safetensors
internal import SystemPackage
internal import Tensors

extension RewritingPlan {
  /// Plans a conversion; reads headers and configurations, no tensor data.
  ///
  /// - Throws: ``RewritingError`` when the input can't be read, lacks a tensor that the layout needs,
  ///   or is something else than the layout is for.
  public init(_ request: RewritingRequest) throws {
    let input = try OpenedCheckpoint(
      opening: request.input, component: request.component ?? "transformer",
      base: request.inputBase)
    try self.init(request, input: try input.picking(request.component))
  }

  /// Plans a conversion of an input whose values are changed on the way.
  ///
  /// - Parameters:
  ///   - request: what is to be written.
  ///   - input: what is read.
  ///   - changed: canonical names of the parameters that are changed; those can't be copied as they
  ///     are stored.
  /// - Throws: as ``init(_:)`` does.
  package init(
    _ request: RewritingRequest, input: OpenedCheckpoint, changed: Set<String> = []
  ) throws {
    let destination = try Destination(request, input)
    try Self.checkPlace(request, input)
    var planning = try PlanBuilder(request, input, destination, changedParameters: changed)
    try planning.arrange()
    try planning.checkSwitches()
    self.request = request
    self.input = input
    self.destination = destination
    gguf = planning.gguf
    tensors = destination == .gguf ? planning.tensors : planning.tensors.aligned
    metadata = planning.metadata
    configuration = try planning.configuration()
    target = planning.target
    leftOut = planning.leftOut.map(\.description)
    notes = planning.notes
    codedLayers = planning.codedLayers
  }

  /// Refuses an output in the place of one of the input's files, whose others would be worthless
  /// without it, or of the base without which a difference can't be read again.
  private static func checkPlace(
    _ request: RewritingRequest, _ input: OpenedCheckpoint
  ) throws {
    guard let output = FileIdentity(of: request.output) else { return }
    func holds(_ files: [FilePath]) -> Bool {
      files.contains { FileIdentity(of: $0) == output }
    }
    if let base = try? baseFiles(request, input), holds(base) {
      throw RewritingError.usage(
        "\(request.output): is the base of the input, which would be lost with it; write to another "
          + "place")
    }
    let files = input.source.files
    guard files.count > 1, holds(files) else { return }
    throw RewritingError.usage(
      "\(request.output): is one of the input's \(files.count) files, and the others would be worthless "
        + "without it; write to another place")
  }

  /// The files of the base that an input is a difference to; nil for one that is none.
  private static func baseFiles(
    _ request: RewritingRequest, _ input: OpenedCheckpoint
  ) throws -> [FilePath]? {
    guard input.source.container == .delta, let file = input.source.files.first else { return nil }
    if let base = request.inputBase { return try OpenedCheckpoint(opening: base).source.files }
    return try TensorSource.base(beside: TensorSource(opening: file))?.files
  }
}
