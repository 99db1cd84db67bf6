import Adapters
import Checkpoints
import Drawing
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("The size of pictures")
struct PictureSizeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func size(
    _ asked: PictureSizeRequest? = nil, model: FilePath = Fixtures.model("tiny-flux"),
    adapters: [FilePath] = []
  ) throws -> ChosenSize {
    var request = DrawingRequest(model: model, prompts: ["a"], size: asked)
    request.schedule = "teacher:1"
    request.adapters = adapters.map { .init(file: $0) }
    return try DrawingPlan(request).size
  }

  private func adapter(_ name: String, size: String) throws -> FilePath {
    let file = try folder.adapter("plain-\(name)")
    var adapter = try Adapter(opening: file)
    adapter.metadata = [("glance.image_size", size)]
    try adapter.write(to: folder.path.appending(name))
    return folder.path.appending(name)
  }

  private func expect(
    _ size: ChosenSize, _ width: Int, _ height: Int, _ source: ChosenSize.Source,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(size.width == width && size.height == height, "\(size)", sourceLocation: location)
    #expect(size.source == source, sourceLocation: location)
  }

  @Test("is the model's own, its adapters', or the one that is asked for")
  func sources() throws {
    expect(try size(), 96, 96, .model)
    expect(try size(.pixels(width: 32, height: 48)), 32, 48, .asked)
    let (small, other) = (
      try adapter("small.safetensors", size: "64x48"),
      try adapter("other.safetensors", size: "48x64")
    )
    expect(try size(adapters: [small]), 64, 48, .file(small.string))
    expect(try size(.pixels(width: 96, height: 96), adapters: [small]), 96, 96, .asked)
    // Files that contradict each other decide nothing.
    expect(try size(adapters: [small, other]), 96, 96, .model)
  }

  @Test(
    "of an adapter that is none is refused unless another one is asked for",
    arguments: [
      "100x100", "100000000000000x100000000000000",
    ])
  func impossible(stated: String) throws {
    let file = try adapter("odd.safetensors", size: stated)
    for asked in [nil, PictureSizeRequest.ratio(width: 3, height: 2)] {
      let error = #expect(throws: DrawingError.self) { try size(asked, adapters: [file]) }
      #expect(
        error?.description
          == "\(file): 'glance.image_size': expected multiples of 16; give --size, found \(stated)")
    }
    expect(try size(.pixels(width: 32, height: 32), adapters: [file]), 32, 32, .asked)
  }

  @Test("keeps the pixels of the usual one in other proportions")
  func ratios() throws {
    // 96² · 3/2 is 117.6², 96² · 2/3 is 78.4²: 7 and 5 tokens of 16.
    expect(try size(.ratio(width: 3, height: 2)), 112, 80, .asked)
    expect(try size(.ratio(width: 1, height: 4)), 48, 192, .asked)
    expect(
      try size(.ratio(width: 1, height: 1), adapters: [adapter("a.safetensors", size: "64x64")]),
      64, 64, .asked)
  }

  @Test("is the family's where a model says none, and refused where it says nonsense")
  func stated() throws {
    let silent = try folder.changedModel(
      "silent", of: "tiny-flux", files: ["model_index.json"],
      (from: "\"_image_size\": \"96x96\",", to: ""))
    expect(try size(model: silent), 1024, 1024, .model)
    let wrong = try folder.changedModel(
      "wrong", of: "tiny-flux", files: ["model_index.json"], (from: "96x96", to: "96x90"))
    expectRefusal(
      CheckpointError.self,
      saying:
        "'_image_size' is '96x90', expected WIDTHxHEIGHT in multiples of 16"
    ) { try size(model: wrong) }
  }
}
