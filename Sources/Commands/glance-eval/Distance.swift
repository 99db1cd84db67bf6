internal import ArgumentParser
internal import CommandSupport
internal import Evaluation
internal import JSON
internal import Reports
internal import SystemPackage

/// `glance-eval fid`.
struct Distance: ToolCommand {
  static let configuration = CommandConfiguration(
    verb: "fid",
    abstract: "Fréchet distance between the features of two sets of pictures.",
    discussion: """
      Features are [pictures, numbers]: one array of NumPy's (.npy), or a tensor of a safetensors file, \
      in any float type. Both sets need more pictures than numbers; with fewer the distance comes out \
      too large, and a warning says so.
      """,
    examples: [
      ("The features that Inception made of two sets", "glance-eval fid ours.npy coco.npy")
    ])

  @Argument(help: "Features of one set.", completion: .file(extensions: ["npy", "safetensors"]))
  var first: FilePath

  @Argument(help: "Features of the other.", completion: .file(extensions: ["npy", "safetensors"]))
  var second: FilePath

  @Option(help: "The tensor with the features, in safetensors files with several.")
  var tensor: String?

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  @OptionGroup(title: "Common options") var common: CommonOptions

  func execute() throws {
    let files = [first, second]
    let sets = try files.map { try FeatureSet(reading: $0, tensor: tensor) }
    guard sets[0].dimension == sets[1].dimension else {
      throw EvaluationError.dimensionsDiffer(first, sets[0].dimension, second, sets[1].dimension)
    }
    let distance = try FrechetDistance(sets[0], sets[1])
    for (file, set) in zip(files, sets) where !set.hasEnoughPictures {
      Terminal.warn(
        "\(file): \(Readable.count(set.count, "picture")) for \(Readable.count(set.dimension, "number")) "
          + "each, expected more pictures than numbers; the distance is too large")
    }
    guard json else {
      return try Terminal.output(
        "Fréchet distance \(Readable.significant(distance.value, digits: 6)): "
          + "\(Readable.significant(distance.ofMeans, digits: 6)) between the means, "
          + "\(Readable.significant(distance.ofCovariances, digits: 6)) between the covariances\n")
    }
    let object: JSONValue = [
      "format": "glance-fid/1", "distance": .number(distance.value),
      "means": .number(distance.ofMeans), "covariances": .number(distance.ofCovariances),
      "enough_pictures": .bool(distance.hasEnoughPictures),
      "sets": .array(
        zip(files, sets).map { file, set in
          [
            "file": .string(file.string), "pictures": .integer(Int64(set.count)),
            "numbers": .integer(Int64(set.dimension)),
          ]
        }),
    ]
    try Terminal.output(object.text(.pretty) + "\n")
  }
}
