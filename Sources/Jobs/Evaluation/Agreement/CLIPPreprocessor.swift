internal import Checkpoints
package import Compute
internal import Files
internal import JSON
package import Pictures
package import SystemPackage

/// Makes of a picture what CLIP looks at: scaled, its middle cut out, its samples moved and scaled.
///
/// **Source:** huggingface/transformers, `models/clip/image_processing_clip.py` and
/// `image_processing_pil_clip.py`, `CLIPImageProcessor`; `image_transforms.py`, `get_resize_output_image_size`
/// and `center_crop`.
package struct CLIPPreprocessor: Sendable {
  /// Pixels in a row and in a column of what comes out.
  package let side: Int
  /// The shorter side after scaling.
  private let shortest: Int
  private let factor: Double
  private let mean: [Double]
  private let deviation: [Double]

  /// Reads a folder's `preprocessor_config.json`, or the `image_processor` of its `processor_config.json`.
  ///
  /// - Parameters:
  ///   - folder: the model's.
  ///   - side: of the pictures that the model takes.
  /// - Throws: where there is neither, or they ask for something else than CLIP's own steps.
  package init(folder: FilePath, side: Int) throws {
    let (values, file) = try Self.values(in: folder)
    func wrong(_ key: String, _ expected: String) -> EvaluationError {
      .wrongContent(
        file: file, expected: "\(expected) in '\(key)'", found: values[key]?.text() ?? "nothing")
    }
    func isOn(_ key: String) throws -> Bool {
      guard let value = values[key], value != .null else { return true }
      guard let flag = value.bool else { throw wrong(key, "true or false") }
      return flag
    }
    func numbers(_ key: String, _ fallback: [Double]) throws -> [Double] {
      guard let value = values[key], value != .null else { return fallback }
      let found = value.array?.compactMap(\.double) ?? []
      guard found.count == 3, found.allSatisfy(\.isFinite) else {
        throw wrong(key, "three numbers")
      }
      return found
    }
    guard try isOn("do_resize"), try isOn("do_center_crop") else {
      throw wrong(try isOn("do_resize") ? "do_center_crop" : "do_resize", "true")
    }
    let bicubic = 3
    guard (values["resample"]?.integer ?? bicubic) == bicubic else {
      throw wrong("resample", "3 (bicubic)")
    }
    let size = values["size"] ?? .null
    guard let shortest = size == .null ? 224 : size.integer ?? size["shortest_edge"]?.integer,
      (1...4096).contains(shortest)
    else { throw wrong("size", "the shortest side in pixels") }
    let crop = values["crop_size"] ?? .null
    let (height, width) =
      crop == .null
      ? (224, 224)
      : (crop.integer ?? crop["height"]?.integer, crop.integer ?? crop["width"]?.integer)
    guard let height, let width, height == side, width == side, side <= shortest else {
      throw wrong("crop_size", "\(side), as the model takes pictures, and at most the size")
    }
    self.side = side
    self.shortest = shortest
    let scale = values["rescale_factor"] ?? .null
    guard let factor = scale == .null ? 1.0 / 255 : scale.double, factor > 0 else {
      throw wrong("rescale_factor", "a number above 0")
    }
    self.factor = try isOn("do_rescale") ? factor : 1
    let isNormalised = try isOn("do_normalize")
    mean =
      isNormalised
      ? try numbers("image_mean", [0.48145466, 0.4578275, 0.40821073]) : [0, 0, 0]
    deviation =
      isNormalised
      ? try numbers("image_std", [0.26862954, 0.26130258, 0.27577711]) : [1, 1, 1]
    guard deviation.allSatisfy({ $0 > 0 }) else { throw wrong("image_std", "numbers above 0") }
  }

  private static func values(in folder: FilePath) throws -> (JSONObject, FilePath) {
    let file = folder.appending("preprocessor_config.json")
    let other = folder.appending("processor_config.json")
    if !file.isRegularFile, other.isRegularFile,
      let values = try Configuration(reading: other).json["image_processor"]?.object
    {
      return (values, other)
    }
    return (try Configuration(reading: file).json.object ?? [:], file)
  }

  /// What CLIP looks at, `[3, side, side]`.
  package func pixels(of picture: Picture) -> Tensor {
    let cut = scaled(picture).cut(width: side, height: side)
    let (samples, area) = (cut.pixels, side * side)
    return Tensor(
      shape: [3, side, side],
      (0..<3 * area).map { place in
        let (channel, pixel) = place.quotientAndRemainder(dividingBy: area)
        let sample = Float(Double(samples[3 * pixel + channel]) * factor)
        return (sample - Float(mean[channel])) / Float(deviation[channel])
      })
  }

  private func scaled(_ picture: Picture) -> Picture {
    let (short, long) = (
      min(picture.width, picture.height), max(picture.width, picture.height)
    )
    // In whole pixels, as Python's int(size * long / short).
    let other = Int(Double(shortest * long) / Double(short))
    let isWide = picture.width >= picture.height
    return picture.resized(
      width: isWide ? other : shortest, height: isWide ? shortest : other, filter: .bicubic)
  }
}
