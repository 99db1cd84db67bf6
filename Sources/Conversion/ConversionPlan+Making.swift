package import Checkpoints
internal import GGUF
internal import JSON
internal import Safetensors
internal import SystemPackage
internal import Tensors

extension ConversionPlan {
  /// Plans a conversion; reads headers and configurations, no tensor data.
  ///
  /// - Throws: ``ConversionError`` when the input can't be read, lacks a tensor that the layout needs,
  ///   or is something else than the layout is for.
  public init(_ request: ConversionRequest) throws(ConversionError) {
    let input: CheckpointInput
    do {
      input = try CheckpointInput(
        opening: request.input, component: request.component ?? "transformer",
        base: request.inputBase)
    } catch { throw .checkpoint(error) }
    try self.init(request, input: try input.picking(request.component))
  }

  /// Plans a conversion of an input whose values are changed on the way.
  ///
  /// - Parameters:
  ///   - request: what is to be written.
  ///   - input: what is read.
  ///   - changed: canonical paths of the linear modules whose weights are changed; those can't be
  ///     copied as they are stored.
  /// - Throws: as ``init(_:)`` does.
  package init(
    _ request: ConversionRequest, input: CheckpointInput, changed: Set<String> = []
  ) throws(ConversionError) {
    let form = try Form(request, input)
    var planning = try ConversionPlanning(request, input, form, changedModules: changed)
    try planning.arrange()
    try planning.checkSwitches()
    self.request = request
    self.input = input
    self.form = form
    gguf = planning.gguf
    tensors = form == .gguf ? planning.tensors : planning.tensors.aligned
    metadata = planning.metadata
    configuration = try planning.configuration()
    target = planning.target
    leftOut = planning.leftOut.map(\.description)
    notes = planning.notes
  }
}
