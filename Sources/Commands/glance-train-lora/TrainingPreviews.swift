internal import CommandSupport
internal import Drawing
internal import ExpertTraining
internal import Files
internal import JSON
internal import Pictures
internal import Schedules
internal import SystemPackage
internal import Training

/// Draws with experts while they are trained: what glance-sample would draw with the same files, from the
/// noise of the run's seed.
struct TrainingPreviews {
  private let plan: ExpertPlan
  private let output: ExpertOutput
  private let asked: PreviewRequest
  private var texts = EncodedTexts()

  private struct Stopped: Error {}

  /// What previews take.
  struct Forecast {
    /// What is drawn, and when.
    let asked: PreviewRequest
    /// Where.
    let folder: FilePath
    /// Pictures of an expert.
    let pictureCount: Int
    /// Forward passes of a picture.
    let passes: Int
    /// Bytes beside those of training.
    let byteCount: Int
  }

  /// Nil where no pictures are asked for.
  init?(_ plan: ExpertPlan, _ output: ExpertOutput) throws {
    guard let asked = output.previews else { return nil }
    self.plan = plan
    self.output = output
    self.asked = asked
  }

  /// What pictures take; reads headers and tokenizers.
  func forecast() throws -> Forecast {
    let drawing = try DrawingPlan(request(adapters: []))
    return Forecast(
      asked: asked, folder: output.previewFolder,
      pictureCount: asked.count(steps: plan.settings.steps),
      passes: plan.schedule.entries.count * (drawing.cfg == 1 ? 1 : 2),
      byteCount: drawing.peakByteCount(with: try drawing.pass(), try drawing.decoding()))
  }

  /// Encodes the texts, so that what is wrong with encoders or autoencoder shows before the first step.
  mutating func prepare() throws {
    _ = try DrawingPlan(request(adapters: [])).session(&texts) { Terminal.warn($0) }
  }

  /// Draws a picture, where it isn't there; whether it did, and wasn't stopped.
  mutating func draw(_ preview: ExpertPreview) throws -> Bool {
    let file = output.previewFile(preview)
    guard Self.prompt(of: file) != asked.prompt else { return false }
    Terminal.detail("\(preview.phase): drawing a preview after step \(preview.step)")
    let drawing = try DrawingPlan(request(adapters: preview.adapters))
    do {
      let drawn = try drawing.session(&texts).picture(0) { _ in
        if Interruption.isRequested { throw Stopped() }
      }
      var record = DrawingRecord(drawing)
      let bytes = try drawn.picture.png(
        by: "glance-train-lora", settings: record.add(drawn, file: file))
      try writeAtomically(unsafe bytes.span.bytes, to: file, overwrite: true)
      return true
    } catch is Stopped { return false }
  }

  /// The prompt that a picture tells it was drawn from; nil where there is no such picture.
  static func prompt(of file: FilePath) -> String? {
    let text = try? PictureFile(opening: file).texts.first { $0.key == "glance" }?.text
    return text.flatMap { try? JSONValue(parsing: $0)["prompt"]?.string }
  }

  private func request(adapters: [FilePath]) -> DrawingRequest {
    let training = plan.request
    var request = DrawingRequest(
      model: training.model, prompts: [asked.prompt], width: plan.width, height: plan.height)
    request.seed = plan.settings.seed
    request.adapters = adapters.map { .init(file: $0) }
    // What experts declare, for where there are none yet.
    if adapters.isEmpty { request.cfg = plan.settings.drawingCFG }
    request.transformers = training.transformer.map { [.init(file: $0)] } ?? []
    request.transformerBase = training.transformerBase
    request.textTokens = training.textTokens
    request.cache = training.cache
    return request
  }
}
