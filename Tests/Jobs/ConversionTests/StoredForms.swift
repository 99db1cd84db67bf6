import Elements
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport

/// One checkpoint in every form that is read, and the same numbers in float32.
struct StoredForms {
  /// How a checkpoint may be stored.
  enum Form: String, CaseIterable {
    case bfl, fp8, scaled2, scaled1, musubi, q8, compressed, delta
  }

  let folder: TemporaryFolder
  private let model = TinyModel(
    title: "wide", hidden: 64, mlp: 96, head: 32, doubleBlocks: 1, singleBlocks: 1)

  init() throws {
    folder = try TemporaryFolder()
    try model.write(to: path("base"), seed: 1)
    try model.write(to: path("bfl"), seed: 2)
    try convert(path("base"), to: path("base-diffusers")) { $0.layout = "diffusers" }
  }

  /// Another checkpoint of the model, as diffusers has it, in BF16.
  var base: FilePath { path("base-diffusers") }

  /// The checkpoint in a form.
  func written(_ form: Form) throws -> FilePath {
    let output = form == .q8 ? folder.path.appending("q8.gguf") : path(form.rawValue)
    switch form {
    case .bfl: break
    case .musubi: try writeMusubi(to: output)
    case .fp8: try convert(path("bfl"), to: output) { $0.form.dtype = .f8E4M3 }
    case .scaled2: try convert(path("bfl"), to: output) { $0.form.scaled = .generation2 }
    case .scaled1: try convert(path("bfl"), to: output) { $0.form.scaled = .generation1 }
    case .q8: try convert(path("bfl"), to: output) { $0.form.gguf = "q8_0" }
    case .compressed: try convert(path("bfl"), to: output) { $0.form.isCompressed = true }
    case .delta: try convert(path("bfl"), to: output) { $0.form.differenceBase = path("base") }
    }
    return output
  }

  /// The numbers of a form in float32, in a layout or its own.
  func widened(_ form: FilePath, layout: String? = nil) throws -> FilePath {
    let output = path("widened" + (layout ?? ""))
    try convert(form, to: output) {
      $0.form.dtype = .f32
      $0.layout = layout
    }
    return output
  }

  private func path(_ name: String) -> FilePath { folder.path.appending(name + ".safetensors") }

  /// Codes with a scale for every row, as musubi-tuner stores the matrices of blocks.
  private func writeMusubi(to output: FilePath) throws {
    let tensors = try TensorSource(opening: path("bfl")).tensors.flatMap { tensor in
      guard tensor.shape.count == 2, tensor.name.contains("_blocks.") else { return [tensor] }
      let (rows, columns) = (tensor.shape[0], tensor.shape[1])
      let scales = (0..<rows).map { 0x1p-8 + Float($0) * 0x1p-14 }
      let values = tensor.floats().enumerated().map { $1 / scales[$0 / columns] }
      let name = String(tensor.name.dropLast("weight".utf8.count)) + "scale_weight"
      return [
        TensorView(name: tensor.name, shape: tensor.shape, values).cast(to: .f8E4M3),
        TensorView(name: name, shape: [rows, 1], scales),
      ]
    }
    try writeSafetensors(tensors, to: output, overwrite: false)
  }
}
