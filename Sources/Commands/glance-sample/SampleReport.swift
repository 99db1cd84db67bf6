internal import Drawing
internal import Reports
internal import SystemPackage

/// What a run tells a person when it is done.
struct SampleReport {
  let record: DrawingRecord

  /// For people.
  var text: String {
    var table = TextTable([.left, .right, .right, .right, .left])
    table.add(["picture", "seed", "passes", "seconds", "prompt"])
    for picture in record.pictures {
      table.add([
        SafeText.terminal(picture.file.string), picture.seed.map { "\($0)" } ?? "-",
        "\(record.plan.passesPerPicture)", Readable.fixed(picture.seconds, places: 2),
        SafeText.terminal(picture.prompt, limit: 60),
      ])
    }
    let seconds = record.pictures.reduce(0) { $0 + $1.seconds }
    let passes = record.plan.passesPerPicture * record.pictures.count
    return table.text() + "\n" + record.plan.walkText
      + "\(Readable.count(passes, "forward pass", "forward passes")) (NFE) in "
      + "\(Readable.duration(.seconds(seconds))), "
      + "\(Readable.significant(seconds / Double(max(passes, 1)), digits: 3)) s a pass\n"
  }
}
